import { expect } from "chai";

import { createMemberAddresses, mayAskForMember } from "../../../src/channel/member-addresses.ts";
import type { HubMember } from "../../../src/ports/channel-hub.ts";
import { fromHex } from "../../../src/utils/bytes.ts";
import { addressOfKey } from "../../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../../src/utils/secp256k1.ts";

const KEYS = [1, 2, 3].map((fill) => publicKeyOf(new Uint8Array(32).fill(fill)));
const [ALICE, BOB, STRANGER] = KEYS as [Uint8Array, Uint8Array, Uint8Array];
const STORE = `0x${"5a".repeat(20)}`;
const DIALLABLE = "/ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAm1GDbtPp9fn133JqAeMJh2PUJTGfxAgL9BEZGYoaY9UqU";

const memberOf = (account: string, key: Uint8Array): HubMember => ({
  account,
  signer: addressOfKey(key),
  joinNumber: 1,
  joinedAt: 1,
  isGone: false,
  isAbsent: false,
  lastAliveMs: 0,
  bannedUntilMs: 0,
  stakeWei: 0n,
  weight: 1,
});
const MEMBERS = [memberOf("0xa", ALICE), memberOf("0xb", BOB)];
const { signal } = new AbortController();

describe("channel/member-addresses", () => {
  it("should ask a member's twin, when its key is the one that was consented to", async () => {
    const twins: Record<string, Uint8Array> = { "0xa": ALICE, "0xb": STRANGER };
    const addressesOf = createMemberAddresses({
      members: async () => await Promise.resolve(MEMBERS),
      twinOf: async (account) => {
        const messageKey = twins[account] ?? STRANGER;
        return await Promise.resolve({ id: 1, account, messageKey, ledgerKey: new Uint8Array(32) });
      },
      ask: async () => await Promise.resolve({ multiaddrs: ["/ip4/127.0.0.1/tcp/1", DIALLABLE] }),
    });
    expect(await addressesOf(addressOfKey(ALICE), { signal })).to.deep.equal([DIALLABLE]);
    expect(await addressesOf(addressOfKey(BOB), { signal }), "its twin has another key").to.deep.equal([]);
    expect(await addressesOf(addressOfKey(STRANGER), { signal }), "no member").to.deep.equal([]);
  });

  it("should let members ask, of their own channel", () => {
    const agreement = fromHex(STORE);
    expect(mayAskForMember({ agreement, from: BOB }, STORE, MEMBERS)).to.equal(true);
    expect(mayAskForMember({ agreement, from: STRANGER }, STORE, MEMBERS)).to.equal(false);
    expect(mayAskForMember({ agreement, from: STRANGER }, STORE, MEMBERS, [addressOfKey(STRANGER)])).to.equal(true);
    expect(mayAskForMember({ agreement: new Uint8Array(20).fill(1), from: BOB }, STORE, MEMBERS)).to.equal(false);
  });
});
