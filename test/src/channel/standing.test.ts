import { expect } from "chai";

import type { Core } from "../../../src/channel/core.ts";
import type { PlayerStart } from "../../../src/channel/player.ts";
import { isQuorumOfAll, standingOf, type Electorates } from "../../../src/channel/standing.ts";
import { NO_MEMBERS, takeEntry, type Membership } from "../../../src/domain/channel/membership.ts";
import { channelDomain } from "../../../src/wire/channel/domain.ts";
import { ZERO_HASH } from "../../../src/wire/channel/record.ts";
import { testKey } from "../../helpers/channel-scene.ts";
import {
  accountNumber,
  createMemberLife,
  joinsOf,
  signerNumber,
  type MemberAct,
} from "../../helpers/member-entries.ts";

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

const lost = (who: number): MemberAct => ({ kind: "presence", who, isAbsent: true });
const signersOf = (...numbers: readonly number[]): ReadonlySet<string> => new Set(numbers.map(signerNumber));

/** A node whose settled record has taken the joins of `members` and the first `taken` of what came after. */
function nodeOf(members: number, acts: readonly MemberAct[], taken = 0): Electorates {
  const { entries } = createMemberLife([...joinsOf(members), ...acts]);
  const memberships: Membership[] = [NO_MEMBERS];
  for (const entry of entries) memberships.push(takeEntry(memberships.at(-1)!, entry));
  const base = memberships[members + taken]!;
  return {
    chain: {
      inboxLength: entries.length,
      membershipAt: (cursor) => memberships[cursor],
      settled: { height: 1, inboxCursor: base.cursor, recordHash: ZERO_HASH },
    },
    player: { at: () => ({ membership: base }) as PlayerStart },
    certificate: undefined,
  };
}

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

  it("should need more than two thirds of all memberships since the record that it is sure of", () => {
    const node = nodeOf(4, [{ kind: "join", who: 5 }]);
    expect(isQuorumOfAll(node, signersOf(1, 2, 3, 5))).to.equal(true);
    expect(isQuorumOfAll(node, signersOf(1, 2, 5, 6))).to.equal(false);
    expect(isQuorumOfAll(node, signersOf(1, 2, 3))).to.equal(false);
  });

  it("should not let members elect on a record that still counts who is absent: nobody could find that proven", () => {
    expect(isQuorumOfAll(nodeOf(3, [lost(3)]), signersOf(1, 2))).to.equal(false);
    expect(isQuorumOfAll(nodeOf(3, [lost(3)], 1), signersOf(1, 2))).to.equal(true);
  });

  it("should not wait for who is absent where the chain has begun the term, nor for who has lost the office", () => {
    const isByChain = true;
    expect(isQuorumOfAll(nodeOf(3, [lost(3)]), signersOf(1, 2), { isByChain })).to.equal(true);
    expect(isQuorumOfAll(nodeOf(3, [lost(3)]), signersOf(1), { isByChain })).to.equal(false);
    expect(isQuorumOfAll(nodeOf(2, [lost(1)]), signersOf(2), { isByChain, accused: accountNumber(1) })).to.equal(true);
    expect(
      isQuorumOfAll(nodeOf(3, [lost(3), lost(1)]), signersOf(2), { isByChain, accused: accountNumber(1) }),
    ).to.equal(true);
  });

  it("should wait for one of those that are absent where they may have committed something by themselves", () => {
    const of = { isByChain: true, accused: accountNumber(1) };
    const node = nodeOf(4, [lost(3), lost(4), lost(1)]);
    expect(isQuorumOfAll(node, signersOf(2), of)).to.equal(false);
    // Its word does not count, and what it holds is known with it.
    expect(isQuorumOfAll(node, signersOf(2, 4), of)).to.equal(true);
    expect(isQuorumOfAll(node, signersOf(3, 4), of)).to.equal(false);
  });
});
