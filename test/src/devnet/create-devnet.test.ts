import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";

import { expect } from "chai";

import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { startDevnet, type DevnetPorts } from "../../../src/devnet/create-devnet.ts";
import { codeOf } from "../../helpers/code-of.ts";

describe("devnet/create-devnet", () => {
  let holder: Server;
  let taken: number;
  before(async () => {
    holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    ({ port: taken } = holder.address() as AddressInfo);
  });
  after((done) => {
    holder.close(done);
  });

  for (const service of ["chain", "ledger", "waku", "content"] satisfies (keyof DevnetPorts)[]) {
    it(`should refuse a taken port of ${service}, and leave nothing up that it has started`, async () => {
      const free = await freePort();
      // A service that starts before the refused one is looked for afterwards.
      const other = service === "ledger" ? "chain" : "ledger";
      const ports = { [other]: free, [service]: taken };
      expect(await codeOf(startDevnet({ ports, logger: createMemoryLogger() }))).to.equal("CONFIG_INVALID");
      const answer = await fetch(`http://127.0.0.1:${free}`).then(
        () => "answers",
        () => "gone",
      );
      expect(answer).to.equal("gone");
    });
  }
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
