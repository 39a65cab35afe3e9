import { hexlify, type ContractTransaction } from "ethers";

import type { Evidence } from "../../../ports/channel-court.ts";
import type { IChannelCourt } from "../contract-types.ts";
import {
  besideStruct,
  entryStruct,
  headerStruct,
  openingStruct,
  replayStruct,
  slotValueStruct,
} from "./court-values.ts";
import { proofStruct } from "./values.ts";

/** The transaction that brings evidence. */
export async function accusationOf(
  court: IChannelCourt,
  evidence: Evidence,
  salt: string,
): Promise<ContractTransaction> {
  const record = openingStruct(evidence.record);
  switch (evidence.fault) {
    case "equivocation":
      return await court.accuseEquivocation.populateTransaction(record, openingStruct(evidence.other), salt);
    case "unlinked":
      return await court.accuseUnlinked.populateTransaction(record, openingStruct(evidence.signedBefore), salt);
    case "misplaced":
      return await court.accuseMisplaced.populateTransaction(record, headerStruct(evidence.before), salt);
    case "mistimed": {
      const { before, clock } = evidence;
      return await court.accuseMistimed.populateTransaction(record, headerStruct(before), proofStruct(clock), salt);
    }
    case "pastEntry":
      return await court.accusePastEntry.populateTransaction(record, entryStruct(evidence.entry), salt);
    case "falseValue": {
      const { before, touched, index, proof } = evidence;
      const set = touched.map(slotValueStruct);
      return await court.accuseFalseValue.populateTransaction(
        record,
        headerStruct(before),
        set,
        index,
        proofStruct(proof),
        salt,
      );
    }
    case "falseRoot":
    case "falseGenesis": {
      const { before, writes, proofs } = evidence;
      const accuse = evidence.fault === "falseRoot" ? court.accuseFalseRoot : court.accuseFalseGenesis;
      return await accuse.populateTransaction(
        record,
        headerStruct(before),
        writes.map(slotValueStruct),
        proofs.map(({ proof }) => proofStruct(proof)),
        proofs.map(besideStruct),
        salt,
      );
    }
    case "falseResult":
    case "falseGenesisResult": {
      const run = evidence.fault === "falseResult" ? court.runReplay : court.runGenesisReplay;
      return await run.populateTransaction(record, headerStruct(evidence.before), replayStruct(evidence), salt);
    }
    case "forged": {
      const { before, input, nonce, session } = evidence;
      const word = { input: hexlify(input), nonce: proofStruct(nonce), session: proofStruct(session) };
      return await court.accuseForged.populateTransaction(record, headerStruct(before), word, salt);
    }
  }
}
