import { expect } from "chai";

import type { Core } from "../../../src/channel/core.ts";
import { gatherVotes } from "../../../src/channel/gather-votes.ts";
import { NO_MEMBERS } from "../../../src/domain/channel/membership.ts";
import type { HubVote } from "../../../src/ports/channel-hub.ts";
import type { Settlement } from "../../../src/wire/channel/settlement.ts";
import { codeOf } from "../../helpers/code-of.ts";

const ACCOUNT = `0x${"11".repeat(20)}`;
const HEAD = new Uint8Array(32).fill(1);
const vote: HubVote = { member: ACCOUNT, option: 1, signature: new Uint8Array(65) };

/** The only voter, in term 2, which holds a certificate of `term` for height 9; its record there is `hash`. */
async function gathered(term: number, hash: Uint8Array): Promise<readonly HubVote[]> {
  let nowMs = 0;
  const member = { account: ACCOUNT, signer: ACCOUNT, joinNumber: 1, weight: 1n, isAbsent: false };
  const membership = { ...NO_MEMBERS, members: new Map([[ACCOUNT, member]]) };
  const core = {
    term: 2,
    certificate: { term, height: 9, recordHash: hash, acks: [] },
    info: { config: { aliveSeconds: 0, windowSeconds: 0 } },
    chain: { inboxLength: 1, votersOf: () => membership, membershipAt: () => membership },
    player: { at: () => ({ hash }) },
    clock: { now: () => nowMs, sleep: async (ms: number) => void (nowMs += ms) },
  } as unknown as Core;
  const settlement = { toHeight: 9, head: HEAD, inboxCursor: 1 } as unknown as Settlement;
  return await gatherVotes(core, { settlement, votes: new Map(), vote }, new AbortController().signal);
}

describe("channel/gather-votes", () => {
  it("counts one's own vote by a certificate of this term", async () => {
    expect(await gathered(2, HEAD)).to.deep.equal([vote]);
  });

  it("does not count it by a certificate of a term that was left", async () => {
    expect(await codeOf(gathered(1, HEAD))).to.equal("CHANNEL_SETTLEMENT_FAILED");
  });

  it("does not count it for a record that was taken back", async () => {
    expect(await codeOf(gathered(2, new Uint8Array(32).fill(2)))).to.equal("CHANNEL_SETTLEMENT_FAILED");
  });
});
