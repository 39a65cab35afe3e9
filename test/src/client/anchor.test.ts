import { Keypair, Operation } from "@stellar/stellar-sdk";
import { expect } from "chai";
import fc from "fast-check";

import { anchor } from "../../../src/client/anchor.ts";
import { createProgram } from "../../../src/client/create-program.ts";
import { walletOf, type Wallet } from "../../../src/client/wallet.ts";
import { fundAccount } from "../../../src/devnet/fund.ts";
import { innerTransactionOf } from "../../../src/domain/program/envelope.ts";
import { majorityOf } from "../../../src/domain/program/smart-account.ts";
import { buildTransition } from "../../../src/domain/program/transition-transaction.ts";
import { recordCidFromHash } from "../../../src/wire/canonical.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { land } from "../../helpers/ledger-moves.ts";
import { MODULE, STATE } from "../../helpers/smart-accounts.ts";

const MAX_SIGNATURES = 20;

/** Who signs for a program and for its user. */
interface Case {
  /** Ledger keys of the program's workers. */
  readonly workers: readonly Keypair[];
  /** Those who answered, in the order in which they did. */
  readonly answering: readonly Keypair[];
  readonly user: Wallet;
  /** Weights of the wallet's keys but the first, whose weight is 1, and the threshold of the user's account. */
  readonly weights: readonly number[];
  readonly threshold: number;
  readonly paysGas: boolean;
}

const cases: fc.Arbitrary<Case> = fc.integer({ min: 1, max: 20 }).chain((n) => {
  const workers = Array.from({ length: n }, () => Keypair.random());
  const keys = fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, fc.constantFrom(...workers));
  const others = fc.uniqueArray(
    fc.record({ key: keys.map((key) => key ?? Keypair.random()), weight: fc.integer({ min: 1, max: 3 }) }),
    { maxLength: 12, selector: ({ key }) => key.publicKey() },
  );
  return fc
    .record({
      answering: fc.shuffledSubarray(workers, { minLength: majorityOf(n) }),
      first: keys.map((key) => key ?? Keypair.random()),
      others,
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      paysGas: fc.boolean(),
    })
    .map(({ answering, first, others: more, share, paysGas }) => {
      const rest = more.filter(({ key }) => key.publicKey() !== first.publicKey());
      const weights = rest.map(({ weight }) => weight);
      const total = weights.reduce((sum, weight) => sum + weight, 1);
      const user: Wallet = { account: first.publicKey(), signers: [first, ...rest.map(({ key }) => key)] };
      return { workers, answering, user, weights, threshold: Math.max(1, Math.round(share * total)), paysGas };
    });
});

describe("client/anchor (P4: never a set of signatures that the network refuses for their number)", () => {
  let scene: ExecutionScene;
  let owner: Wallet;
  before(async () => {
    scene = await createExecutionScene({ workers: 0 });
    owner = await scene.user();
  });
  after(() => scene.stop());

  /** Makes the program and the user's account, and anchors a transition with what the workers signed. */
  const anchorIt = async ({ workers, answering, user, weights, threshold, paysGas }: Case): Promise<number> => {
    const { client, devnet } = scene;
    const { program } = await createProgram(client, {
      wallet: owner,
      terms: {
        program: { kind: "wasi", cid: MODULE },
        state: STATE,
        baseFeeStroops: 100n,
        gasPriceStroops: paysGas ? 10n : 0n,
        workers: workers.map((key, i) => ({ address: `http://127.0.0.1:${i + 1}`, ledgerKey: key.publicKey() })),
      },
    });
    await fundAccount(devnet.friendbotUrl, user.account);
    const [first, ...others] = user.signers;
    const added = others.map((key, i) =>
      Operation.setOptions({ signer: { ed25519PublicKey: key.publicKey(), weight: weights[i] ?? 1 } }),
    );
    const thresholds = { lowThreshold: threshold, medThreshold: threshold, highThreshold: threshold };
    await land(scene, walletOf(first), [...added, Operation.setOptions(thresholds)]);

    const account = await scene.account(program);
    const maxTime = Math.floor(scene.clock.now() / 1_000) + 100;
    const transaction = buildTransition({
      network: devnet.networkPassphrase,
      program,
      user: user.account,
      sequence: account.sequence,
      newState: MODULE,
      recordCid: recordCidFromHash(new Uint8Array(32)),
      gasFeeStroops: paysGas ? 30n : 0n,
      validUntil: BigInt(maxTime),
      paymentCloseTime: BigInt(maxTime),
    });
    const signatures = new Map(
      answering.map((key) => [key.publicKey(), new Uint8Array(key.sign(Buffer.from(transaction.hash())))]),
    );
    const landed = await anchor(client, { transaction, program: account, wallet: user, signatures, maxTime });
    expect(landed?.successful).to.equal(true);
    return innerTransactionOf(landed?.envelopeXdr ?? "", devnet.networkPassphrase).signatures.length;
  };
  /** How many signatures the ledger needs at least, were no key in both accounts. */
  const needed = ({ workers, user, weights, threshold, paysGas }: Case): number => {
    if (!paysGas) return majorityOf(workers.length);
    let weight = 0;
    let count = 0;
    for (const each of [1, ...weights].slice(0, user.signers.length)) {
      if (weight >= threshold) break;
      weight += each;
      count += 1;
    }
    return majorityOf(workers.length) + count;
  };

  it("should land with what any majority signed, for 1 to 20 workers and users of every kind", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (each) => {
        try {
          expect(await anchorIt(each)).to.be.at.most(MAX_SIGNATURES);
        } catch (error) {
          // Nothing else than what no envelope could hold.
          expect(error).to.include({ code: "TOO_MANY_SIGNATURES" });
          expect(needed(each)).to.be.above(MAX_SIGNATURES);
        }
      }),
      { numRuns: 25 },
    );
  }).timeout(120_000);

  it("should land with 20 signatures, and say that 21 are too many", async () => {
    const workers = Array.from({ length: 20 }, () => Keypair.random());
    const withKeys = (count: number): Case => ({
      workers,
      answering: workers,
      user: {
        account: "",
        signers: [Keypair.random(), ...Array.from({ length: count - 1 }, () => Keypair.random())],
      },
      weights: Array.from({ length: count - 1 }, () => 1),
      threshold: count,
      paysGas: true,
    });
    const named = (each: Case): Case => ({
      ...each,
      user: { ...each.user, account: each.user.signers[0].publicKey() },
    });
    expect(await anchorIt(named(withKeys(9)))).to.equal(MAX_SIGNATURES);
    expect(await codeOf(anchorIt(named(withKeys(10))))).to.equal("TOO_MANY_SIGNATURES");
  });

  it("should need too few signatures to be refused for that", async () => {
    const workers = Array.from({ length: 3 }, () => Keypair.random());
    const user = walletOf(Keypair.random());
    const few: Case = { workers, answering: workers.slice(0, 1), user, weights: [], threshold: 1, paysGas: true };
    expect(await codeOf(anchorIt(few))).to.equal("NOT_ENOUGH_SIGNATURES");
  });
});
