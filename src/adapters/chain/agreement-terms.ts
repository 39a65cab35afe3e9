import { SprfError } from "../../errors.ts";
import type { EventLogOptions } from "../../ports/event-log.ts";
import type { AgreementTerms } from "../../ports/market-events.ts";
import { throwIfAborted } from "../../utils/abort.ts";
import { AGREEMENT_INTERFACE } from "./agreement-contract.ts";
import type { ReadConnection } from "./connection.ts";

const CALL = AGREEMENT_INTERFACE.encodeFunctionData("terms");

interface TermsOutput {
  readonly epochLength: bigint;
  readonly testerCount: bigint;
  readonly testerFeePerEpoch: bigint;
  readonly workers: ReadonlyArray<{
    readonly workerId: bigint;
    readonly operator: string;
    readonly pricePerBlock: bigint;
  }>;
}

interface Creation {
  readonly blockHash: string;
  readonly event: object;
}

/**
 * What an agreement has had fixed in its code since the block of its event. Nodes that keep no states of old blocks tell the same
 * of the newest, where it can only differ while that very block is being replaced.
 *
 * @throws SprfError `CHAIN_UNREACHABLE` when neither can be read
 */
export async function readAgreementTerms(
  connection: ReadConnection,
  { blockHash, event }: Creation,
  options: EventLogOptions,
): Promise<AgreementTerms> {
  const { agreement } = event as { readonly agreement: string };
  try {
    return await read(connection, agreement, blockHash, options);
  } catch {
    throwIfAborted(options.signal);
  }
  try {
    return await read(connection, agreement, "latest", options);
  } catch (error) {
    throwIfAborted(options.signal);
    throw new SprfError("CHAIN_UNREACHABLE", `the node does not tell the terms of ${agreement}`, { cause: error });
  }
}

async function read(
  { provider, read: reading }: ReadConnection,
  agreement: string,
  blockTag: string,
  options: EventLogOptions,
): Promise<AgreementTerms> {
  const bytes = await reading(() => provider.call({ to: agreement, data: CALL, blockTag }), options);
  const terms = AGREEMENT_INTERFACE.decodeFunctionResult("terms", bytes)[0] as TermsOutput;
  return {
    epochLength: Number(terms.epochLength),
    testerCount: Number(terms.testerCount),
    testerFeePerEpochWei: terms.testerFeePerEpoch,
    seats: terms.workers.map((seat) => ({
      workerId: Number(seat.workerId),
      operator: seat.operator,
      pricePerBlockWei: seat.pricePerBlock,
    })),
  };
}
