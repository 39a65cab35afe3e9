import { expect } from "chai";

import { startAddressProcess } from "../../../helpers/address-process.ts";
import type { AddressProcess } from "../../../helpers/address-process.ts";
import { until } from "../../../helpers/until.ts";

describe("finding a worker: hub, worker and client in processes of their own", () => {
  const running: AddressProcess[] = [];
  let hub: AddressProcess;
  let client: AddressProcess;

  const start = async (...args: Parameters<typeof startAddressProcess>): Promise<AddressProcess> => {
    const process = await startAddressProcess(...args);
    running.push(process);
    return process;
  };

  before(async () => {
    hub = await start("hub", "hub", []);
    client = await start("client", "client", hub.multiaddrs);
  });
  after(async () => {
    await Promise.all(running.map(async (process) => await process.kill()));
  });

  it("finds it by key alone, dials it, and finds it again after it was killed and came back", async () => {
    const first = await start("worker", "worker", hub.multiaddrs);
    const found = await client.call({ do: "find", worker: "worker" });
    expect(found.error).to.equal(undefined);
    expect(found.apiUrl).to.equal("http://worker.example");
    expect(found.multiaddrs).to.deep.equal(first.multiaddrs);
    expect(found.tookMs).to.be.below(1_000);
    const dialled = await client.call({ do: "dial", worker: "worker", multiaddrs: found.multiaddrs ?? [] });
    expect(dialled.error).to.equal(undefined);

    await first.kill();
    expect((await client.call({ do: "find", worker: "worker", timeoutMs: 300 })).error).to.equal("ADDRESS_NOT_FOUND");
    const second = await start("worker", "worker", hub.multiaddrs);
    const again = await client.call({ do: "find", worker: "worker" });
    expect(again.multiaddrs).to.deep.equal(second.multiaddrs);
    expect(again.multiaddrs).not.to.deep.equal(first.multiaddrs);
    expect(again.tookMs).to.be.below(1_000);

    // The same after an orderly stop: the hub must take the worker back at once.
    await second.call({ do: "stop" });
    await second.kill();
    const third = await start("worker", "worker", hub.multiaddrs);
    const oncemore = await client.call({ do: "find", worker: "worker" });
    expect(oncemore.multiaddrs).to.deep.equal(third.multiaddrs);
    expect(oncemore.tookMs).to.be.below(1_000);
  });

  it("refuses another peer at the worker's address, and says when nobody is there", async () => {
    const impostor = await start("worker", "impostor", hub.multiaddrs);
    const bare = impostor.multiaddrs.map((address) => address.replace(/\/p2p\/.*$/, ""));
    for (const multiaddrs of [impostor.multiaddrs, bare]) {
      const answer = await client.call({ do: "dial", worker: "absent worker", multiaddrs });
      expect(answer.error).to.equal("PEER_MISMATCH");
    }
    const nobody = await client.call({ do: "dial", worker: "absent worker", multiaddrs: ["/ip4/127.0.0.1/tcp/1"] });
    expect(nobody.error).to.equal("PEER_UNREACHABLE");
  });

  it("gets no answer for somebody who has no right to ask", async () => {
    const stranger = await start("client", "stranger", hub.multiaddrs);
    await until(async () => (await client.call({ do: "find", worker: "worker" })).error === undefined);
    const answer = await stranger.call({ do: "find", worker: "worker", timeoutMs: 500 });
    expect(answer.error).to.equal("ADDRESS_NOT_FOUND");
  });
});
