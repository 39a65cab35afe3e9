import { ZeroAddress, hexlify } from "ethers";

import { packVerdicts } from "../../domain/verdict/packed-verdicts.ts";
import type { AnswerProof, Disputes } from "../../ports/disputes.ts";
import type { Connection } from "./connection.ts";
import type { AnswerProofStruct } from "./contract-types.ts";
import { IDisputes__factory } from "./factories.ts";
import { requiredEventOf, seatOf } from "./values.ts";

/** Appeals and challenges (contracts/interfaces/IDisputes.sol). */
export function createDisputes(connection: Connection, address: string): Disputes {
  const { read, provider } = connection;
  const disputes = IDisputes__factory.connect(address, provider);

  return {
    bondWei: (agreement, options) => read(() => disputes.bondOf(agreement), options),
    async appeal(agreement, epoch, workerIndex, bondWei, options) {
      const value = { value: bondWei };
      await connection.send(() => disputes.appeal.populateTransaction(agreement, epoch, workerIndex, value), options);
    },
    async appealedWorkers(agreement, epoch, options) {
      return bitsOf(await read(() => disputes.appealedWorkers(agreement, epoch), options));
    },
    async panelWindowsOf(agreement, epoch, options) {
      const windows = await read(() => disputes.panelWindowsOf(agreement, epoch), options);
      return {
        seedBlock: Number(windows.seedBlock),
        commitFrom: Number(windows.commitFrom),
        commitTo: Number(windows.commitTo),
        revealFrom: Number(windows.revealFrom),
        revealTo: Number(windows.revealTo),
        finalFrom: Number(windows.finalFrom),
      };
    },
    panelOf: async (agreement, epoch, options) =>
      (await read(() => disputes.panelOf(agreement, epoch), options)).map(seatOf),
    previewPanel: (agreement, epoch, options) => read(() => disputes.previewPanel(agreement, epoch), options),
    async openPanel(agreement, epoch, options) {
      await connection.send(() => disputes.openPanel.populateTransaction(agreement, epoch), options);
    },
    async commitToPanel(agreement, epoch, commitment, options) {
      await connection.send(() => disputes.commit.populateTransaction(agreement, epoch, hexlify(commitment)), options);
    },
    async revealToPanel(agreement, epoch, { tester, verdicts, evidenceCid, salt }, options) {
      const packed = packVerdicts(verdicts);
      await connection.send(
        () => disputes.reveal.populateTransaction(agreement, epoch, tester, packed, evidenceCid, hexlify(salt)),
        options,
      );
    },
    async challenge(agreement, epoch, seat, workerIndex, bondWei, options) {
      const value = { value: bondWei };
      await connection.send(
        () => disputes.challenge.populateTransaction(agreement, epoch, seat, workerIndex, value),
        options,
      );
    },
    async challengeOf(agreement, epoch, seat, workerIndex, options) {
      const { challenger, answered } = await read(
        () => disputes.challengeOf(agreement, epoch, seat, workerIndex),
        options,
      );
      return challenger === ZeroAddress ? undefined : { challenger, answered };
    },
    async openChallenges(agreement, epoch, seat, options) {
      return bitsOf(await read(() => disputes.openChallenges(agreement, epoch, seat), options));
    },
    async answerChallenge(agreement, epoch, seat, workerIndex, proof, options) {
      const shown = structOf(proof);
      await connection.send(
        () => disputes.answerChallenge.populateTransaction(agreement, epoch, seat, workerIndex, shown),
        options,
      );
    },
    bondCreditWei: (account, options) => read(() => disputes.creditOf(account), options),
    async withdrawBonds(options) {
      const receipt = await connection.send(() => disputes.withdraw.populateTransaction(), options);
      const events = { address, interface: disputes.interface };
      return requiredEventOf(receipt, events, "BondWithdrawn")["amount"] as bigint;
    },
  };
}

function structOf(proof: AnswerProof): AnswerProofStruct {
  return {
    ...proof,
    salt: hexlify(proof.salt),
    request: { ...proof.request, input: hexlify(proof.request.input) },
    signature: hexlify(proof.signature),
  };
}

/** Places of the bits that are set, lowest first. */
function bitsOf(value: bigint): readonly number[] {
  const places: number[] = [];
  for (let place = 0, rest = value; rest !== 0n; place++, rest >>= 1n) {
    if ((rest & 1n) === 1n) places.push(place);
  }
  return places;
}
