import { hexlify } from "ethers";

import type { Accusation, ChannelAbsence } from "../../../ports/channel-absence.ts";
import { fromHex } from "../../../utils/bytes.ts";
import type { SignedStanding } from "../../../wire/channel/leader-change.ts";
import type { Connection } from "../connection.ts";
import type { AccusationViewStructOutput, IChannelAbsence, SignedStandingStruct } from "../contract-types.ts";
import { IChannelAbsence__factory, IChannelHub__factory } from "../factories.ts";
import { requiredEventOf } from "../values.ts";
import { headerStruct, openingStruct } from "./court-values.ts";

const NOBODY = /^0x0+$/;
/** So that a base fee that rises meanwhile does not refuse it; what is left comes back. */
const BOND_FACTOR = 2n;
/** As the contract has it, of one demand. */
const MAX_RECORDS = 16;

/** The contract of absences (contracts/interfaces/IChannelAbsence.sol), which the hub names. */
export function createChannelAbsence(connection: Connection, hub: string): ChannelAbsence {
  const { provider, wallet, send, read } = connection;
  let found: Promise<IChannelAbsence> | undefined;
  const contract = async (): Promise<IChannelAbsence> => {
    found ??= read(() => IChannelHub__factory.connect(hub, provider).absence()).then((address) =>
      IChannelAbsence__factory.connect(address, provider),
    );
    // One that failed is asked for again.
    found.catch(() => {
      found = undefined;
    });
    return await found;
  };

  async function bond(): Promise<bigint> {
    const absence = await contract();
    const block = await read(async () => await provider.getBlock("latest"));
    return BOND_FACTOR * (await read(() => absence.bondOf(block?.baseFeePerGas ?? 0n)));
  }

  return {
    async answerSeconds(channel, options) {
      const absence = await contract();
      return Number(await read(() => absence.answerSecondsOf(channel), options));
    },
    async accusation(channel, member, options) {
      const absence = await contract();
      return accusationOf(await read(() => absence.accusationOf(channel, member), options));
    },
    async accuseLeader(channel, term, options) {
      const [absence, value] = [await contract(), await bond()];
      await send(() => absence.accuseLeader.populateTransaction(channel, term, { value }), options);
    },
    async accuse(channel, member, head, options) {
      const [absence, value] = [await contract(), await bond()];
      await send(() => absence.accuse.populateTransaction(channel, member, openingStruct(head), { value }), options);
    },
    async accuseOfSilence(channel, member, options) {
      const [absence, value] = [await contract(), await bond()];
      await send(() => absence.accuseOfSilence.populateTransaction(channel, member, { value }), options);
    },
    async answerByAck(channel, member, { certified, signature }, options) {
      const absence = await contract();
      await send(
        () => absence.answerByAck.populateTransaction(channel, member, certified, hexlify(signature)),
        options,
      );
    },
    async answerByWord(channel, standing, options) {
      const absence = await contract();
      await send(() => absence.answerByWord.populateTransaction(channel, standingStruct(standing)), options);
    },
    async answerByCertificate(channel, leader, header, acks, options) {
      const absence = await contract();
      const structs = acks.map((ack) => ({ ...ack, signature: hexlify(ack.signature) }));
      await send(
        () => absence.answerByCertificate.populateTransaction(channel, leader, headerStruct(header), structs),
        options,
      );
    },
    async answerByRecord(channel, leader, record, options) {
      const absence = await contract();
      await send(() => absence.answerByRecord.populateTransaction(channel, leader, openingStruct(record)), options);
    },
    async demandRecords(channel, first, options) {
      const absence = await contract();
      const { height, feeWei } = await read(() => absence.accusationOf(channel, wallet.address), options);
      const records = Math.min(Number(height) - first + 1, MAX_RECORDS);
      const value = await read(() => absence.demandBondOf(feeWei, Math.max(records, 1)), options);
      await send(() => absence.demandRecords.populateTransaction(channel, first, { value }), options);
    },
    async postRecords(channel, member, { headers, inputs, signed }, options) {
      const absence = await contract();
      const data = inputs.map((input) => hexlify(input));
      await send(
        () =>
          absence.postRecords.populateTransaction(
            channel,
            member,
            headers.map(headerStruct),
            data,
            openingStruct(signed),
          ),
        options,
      );
    },
    async resolve(channel, member, options) {
      const absence = await contract();
      await send(() => absence.resolve.populateTransaction(channel, member), options);
    },
    async comeBack(channel, header, { certified, signature }, options) {
      const absence = await contract();
      await send(
        () => absence.comeBack.populateTransaction(channel, headerStruct(header), certified, hexlify(signature)),
        options,
      );
    },
    async applyLeader(channel, term, options) {
      const absence = await contract();
      await send(() => absence.applyLeader.populateTransaction(channel, term), options);
    },
    async applyAbsence(channel, member, options) {
      const absence = await contract();
      await send(() => absence.applyAbsence.populateTransaction(channel, member), options);
    },
    async reportElection(channel, term, newLeader, standings, options) {
      const absence = await contract();
      const structs = standings.map(standingStruct);
      await send(() => absence.reportElection.populateTransaction(channel, term, newLeader, structs), options);
    },
    async withdraw(options) {
      const absence = await contract();
      const receipt = await send(() => absence.withdraw.populateTransaction(), options);
      const source = { address: await absence.getAddress(), interface: absence.interface };
      return requiredEventOf(receipt, source, "CreditWithdrawn")["amountWei"] as bigint;
    },
  };
}

function accusationOf(view: AccusationViewStructOutput): Accusation | undefined {
  if (NOBODY.test(view.accuser)) return undefined;
  return {
    accuser: view.accuser.toLowerCase(),
    deadlineSeconds: Number(view.deadline),
    of: view.isOfLeader ? "leader" : NOBODY.test(view.recordHash) ? "word" : "record",
    isThere: view.isThere,
    term: Number(view.term),
    height: Number(view.height),
    recordHash: fromHex(view.recordHash),
    entry: Number(view.entry),
    ...(view.firstDemanded > 0n && {
      demanded: { first: Number(view.firstDemanded), last: Number(view.lastDemanded) },
    }),
  };
}

function standingStruct(standing: SignedStanding & { readonly member: string }): SignedStandingStruct {
  const { member, certifiedTerm, certifiedHeight, head, signature } = standing;
  return { member, certifiedTerm, certifiedHeight, head, signature: hexlify(signature) };
}
