import { expect } from "chai";
import { computeAddress } from "ethers";
import fc from "fast-check";

import { deriveTwinKeys, mnemonicOf, parseMnemonic } from "../../../../src/domain/identity/keys.ts";
import { isSprfError } from "../../../../src/errors.ts";
import { toHex } from "../../../../src/utils/bytes.ts";

const JUNK = "test test test test test test test test test test test junk";

describe("domain/identity/keys", () => {
  // SEP-5, "Test cases".
  const sep5 = [
    {
      mnemonic: "illness spike retreat truth genius clock brain pass fit cave bargain toe",
      accounts: [
        [
          "GDRXE2BQUC3AZNPVFSCEZ76NJ3WWL25FYFK6RGZGIEKWE4SOOHSUJUJ6",
          "SBGWSG6BTNCKCOB3DIFBGCVMUPQFYPA2G4O34RMTB343OYPXU5DJDVMN",
        ],
        [
          "GBAW5XGWORWVFE2XTJYDTLDHXTY2Q2MO73HYCGB3XMFMQ562Q2W2GJQX",
          "SCEPFFWGAG5P2VX5DHIYK3XEMZYLTYWIPWYEKXFHSK25RVMIUNJ7CTIS",
        ],
      ],
    },
    {
      mnemonic:
        "bench hurt jump file august wise shallow faculty impulse spring exact slush thunder author capable act festival slice deposit sauce coconut afford frown better",
      accounts: [
        [
          "GC3MMSXBWHL6CPOAVERSJITX7BH76YU252WGLUOM5CJX3E7UCYZBTPJQ",
          "SAEWIVK3VLNEJ3WEJRZXQGDAS5NVG2BYSYDFRSH4GKVTS5RXNVED5AX7",
        ],
      ],
    },
  ] as const;

  for (const { mnemonic, accounts } of sep5) {
    it(`should derive the Stellar keys of SEP-5 for "${mnemonic.split(" ", 2).join(" ")} ..."`, () => {
      accounts.forEach(([id, secret], accountIndex) => {
        const { ledgerKeypair } = deriveTwinKeys(mnemonic, { accountIndex });
        expect(ledgerKeypair.publicKey()).to.equal(id);
        expect(ledgerKeypair.secret()).to.equal(secret);
      });
    });
  }

  it("should derive account and message key at m/44'/60'/0'/0/0 and /1, as Ethereum wallets do", () => {
    const keys = deriveTwinKeys(JUNK);
    expect(keys.account).to.equal("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    expect(toHex(keys.accountPrivateKey)).to.equal("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
    expect(computeAddress(`0x04${toHex(keys.messageKey)}`)).to.equal("0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
  });

  it("should ignore how the words are spaced", () => {
    expect(deriveTwinKeys(`  ${JUNK.replaceAll(" ", "\n ")} `).account).to.equal(deriveTwinKeys(JUNK).account);
  });

  it("should derive other keys for every entropy and index", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.integer({ min: 0, max: 2 ** 31 - 2 }),
        (entropy, i) => {
          const mnemonic = mnemonicOf(entropy);
          const keys = deriveTwinKeys(mnemonic, { accountIndex: i });
          const again = deriveTwinKeys(mnemonic, { accountIndex: i });
          const next = deriveTwinKeys(mnemonic, { accountIndex: i + 1 });
          expect(keys.messageKey).to.deep.equal(again.messageKey).and.to.have.length(64);
          expect(keys.ledgerKeypair.secret()).to.equal(again.ledgerKeypair.secret());
          expect(new Set([keys.account, next.account]).size).to.equal(2);
          expect(keys.messageKey).not.to.deep.equal(next.messageKey);
          expect(keys.accountPrivateKey).not.to.deep.equal(keys.messagePrivateKey);
        },
      ),
      { numRuns: 5 },
    );
  });

  it("should refuse words that are no mnemonic without repeating them", () => {
    for (const words of ["", "zebra", `${JUNK} extra`, JUNK.replace("junk", "test")]) {
      expect(() => parseMnemonic(words))
        .to.throw()
        .that.satisfies((error: Error) => {
          return (
            isSprfError(error, "INVALID_INPUT") && !error.message.includes("test") && !error.message.includes("zebra")
          );
        });
    }
  });

  it("should refuse an index that BIP-44 does not know", () => {
    for (const accountIndex of [-1, 0.5, 2 ** 31, Number.NaN]) {
      expect(() => deriveTwinKeys(JUNK, { accountIndex }))
        .to.throw()
        .with.property("code", "INVALID_INPUT");
    }
  });
});
