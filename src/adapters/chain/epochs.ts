import { AbiCoder, ZeroAddress, hexlify, keccak256 } from "ethers";

import { packVerdicts, unpackVerdicts } from "../../domain/verdict/packed-verdicts.ts";
import type { Chain, ChainOptions, RevealedReport, SeatReveal } from "../../ports/chain.ts";
import { fromHex } from "../../utils/bytes.ts";
import { agreementContract } from "./agreement-contract.ts";
import type { Connection } from "./connection.ts";
import type { IWorkAgreement, SeatRevealStruct } from "./contract-types.ts";
import { outcomeOf, seatOf } from "./values.ts";

/** EIP-712, as contracts/types/MarketTypes.sol states it for `SignedCommit`. */
const COMMIT_DOMAIN = { name: "SPRF WorkAgreement", version: "1" };
const COMMIT_TYPES = {
  Commit: [
    { name: "epoch", type: "uint256" },
    { name: "commitment", type: "bytes32" },
  ],
};

type EpochMethods = Pick<
  Chain,
  | "windowsOf"
  | "isOpen"
  | "previewTesters"
  | "seatsOf"
  | "outcomesOf"
  | "tallyOf"
  | "reportsOf"
  | "openEpoch"
  | "commit"
  | "signCommit"
  | "commitMany"
  | "reveal"
  | "revealMany"
>;

/** What testers do in an epoch of an agreement (contracts/interfaces/IWorkAgreement.sol), and what comes of it. */
export function createEpochs(connection: Connection): EpochMethods {
  const { read, provider } = connection;
  const at = (address: string): IWorkAgreement => agreementContract(address, provider);

  return {
    async windowsOf(address, epoch, options) {
      const windows = await read(() => at(address).windowsOf(epoch), options);
      return {
        from: Number(windows.from),
        to: Number(windows.to),
        commitFrom: Number(windows.commitFrom),
        commitTo: Number(windows.commitTo),
        revealFrom: Number(windows.revealFrom),
        revealTo: Number(windows.revealTo),
        appealFrom: Number(windows.appealFrom),
        appealTo: Number(windows.appealTo),
        finalFrom: Number(windows.finalFrom),
      };
    },
    isOpen: (address, epoch, options) => read(() => at(address).isOpen(epoch), options),
    previewTesters: (address, epoch, options) => read(() => at(address).previewTesters(epoch), options),
    seatsOf: async (address, epoch, options) => (await read(() => at(address).seatsOf(epoch), options)).map(seatOf),
    outcomesOf: async (address, epoch, options) =>
      (await read(() => at(address).outcomesOf(epoch), options)).map(outcomeOf),
    tallyOf: async (address, epoch, options) =>
      (await read(() => at(address).tallyOf(epoch), options)).outcomes.map(outcomeOf),
    reportsOf: (address, epoch, options) => readReports(connection, at(address), epoch, options),

    async openEpoch(address, epoch, options) {
      await connection.send(() => at(address).openEpoch.populateTransaction(epoch), options);
    },
    async commit(address, epoch, commitment, options) {
      await connection.send(() => at(address).commit.populateTransaction(epoch, hexlify(commitment)), options);
    },
    async signCommit(address, epoch, commitment) {
      const domain = { ...COMMIT_DOMAIN, chainId: connection.chainId, verifyingContract: address };
      const message = { epoch, commitment: hexlify(commitment) };
      return fromHex(await connection.wallet.signTypedData(domain, COMMIT_TYPES, message));
    },
    async commitMany(address, epoch, commits, options) {
      const signed = commits.map(({ seat, commitment, signature }) => ({
        seat,
        commitment: hexlify(commitment),
        signature: hexlify(signature),
      }));
      await connection.send(() => at(address).commitMany.populateTransaction(epoch, signed), options);
    },
    async reveal(address, epoch, report, options) {
      await connection.send(() => at(address).reveal.populateTransaction(epoch, structOf(report)), options);
    },
    async revealMany(address, epoch, group, reports, options) {
      const bound = group.length === 0 ? [] : await bindGroup(connection, at(address), { epoch, group }, options);
      await connection.send(
        () => at(address).revealMany.populateTransaction(epoch, bound, reports.map(structOf)),
        options,
      );
    },
  };
}

function structOf({ verdicts, salt, ...rest }: SeatReveal): SeatRevealStruct {
  return { ...rest, verdicts: packVerdicts(verdicts), salt: hexlify(salt) };
}

/** The contract keeps each commitment of a group together with its tester; a group is in the order of its seats. */
async function bindGroup(
  { read }: Connection,
  contract: IWorkAgreement,
  { epoch, group }: { readonly epoch: number; readonly group: readonly Uint8Array[] },
  options?: ChainOptions,
): Promise<string[]> {
  const seats = (await read(() => contract.seatsOf(epoch), options)).filter(({ grouped }) => grouped);
  return group.map((commitment, place) => {
    const tester = seats[place]?.tester ?? ZeroAddress;
    return keccak256(AbiCoder.defaultAbiCoder().encode(["bytes32", "address"], [hexlify(commitment), tester]));
  });
}

/** The evidence's names are in events alone: the contract keeps none of it. */
async function readReports(
  { read }: Connection,
  contract: IWorkAgreement,
  epoch: number,
  options?: ChainOptions,
): Promise<readonly RevealedReport[]> {
  const [{ revealFrom, revealTo }, workers] = await Promise.all([
    read(() => contract.windowsOf(epoch), options),
    read(() => contract.workers(), options),
  ]);
  const logs = await read(
    () => contract.queryFilter(contract.filters.VerdictRevealed(epoch), Number(revealFrom), Number(revealTo)),
    options,
  );
  return logs.map(({ args }) => ({
    tester: args.tester,
    verdicts: unpackVerdicts(args.verdicts, workers.length),
    evidenceCid: args.evidenceCid,
    salt: fromHex(args.salt),
  }));
}
