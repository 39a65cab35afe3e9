import { expect } from "chai";

import type { Core } from "../../../src/channel/core.ts";
import { standingOf } from "../../../src/channel/standing.ts";
import { channelDomain } from "../../../src/wire/channel/domain.ts";
import { testKey } from "../../helpers/channel-scene.ts";

const LEADER = `0x${"11".repeat(20)}`;

/** One that goes from term 2, which stands on a certificate of term 1 for height 3, to term 3. */
async function named(part: Partial<Record<keyof Core, unknown>>): Promise<readonly [number, number]> {
  const core = {
    term: 3,
    info: { channel: 1n },
    domain: channelDomain(1n, LEADER),
    signerKey: testKey(1),
    terms: { baseOf: (term: number) => (term === 2 ? { term: 1, height: 3 } : undefined) },
    chain: { settled: { height: 0 } },
    player: { head: { header: { term: 2, height: 4 } } },
    certificate: undefined,
    unwritten: undefined,
    givenUp: undefined,
    ...part,
  } as unknown as Core;
  const { certifiedTerm, certifiedHeight } = await standingOf(core, LEADER);
  return [certifiedTerm, certifiedHeight];
}

const certificate = (term: number, height: number) => ({ term, height, recordHash: new Uint8Array(32), acks: [] });

describe("channel/standing", () => {
  it("names the certificate that is held", async () => {
    expect(await named({ certificate: certificate(2, 4) })).to.deep.equal([2, 4]);
    expect(await named({})).to.deep.equal([0, 0]);
  });

  it("names one that was given up with its record, until what the log stands on is held", async () => {
    const givenUp = certificate(1, 5);
    expect(await named({ givenUp })).to.deep.equal([1, 5]);
    expect(await named({ givenUp, certificate: certificate(1, 2) })).to.deep.equal([1, 5]);
    expect(await named({ givenUp, certificate: certificate(1, 3) })).to.deep.equal([1, 3]);
    expect(await named({ givenUp, certificate: certificate(2, 4) })).to.deep.equal([2, 4]);
  });
});
