import { createMemoryMesh } from "../../../../src/adapters/channel-network/memory.ts";
import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { channelNetworkCompliance } from "../../../compliance/channel-network.ts";

channelNetworkCompliance("memory", async () => {
  const mesh = createMemoryMesh({ logger: createMemoryLogger(), clock: systemClock, capacity: 100 });
  const networks = [1, 2, 3].map((n) => mesh.join(`0x${String(n).repeat(40)}`));
  return { networks, close: async () => undefined };
});
