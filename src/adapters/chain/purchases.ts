import { ZeroHash, type TransactionReceipt } from "ethers";

import { SprfError } from "../../errors.ts";
import type { Chain, ChainOptions, Purchase, PurchaseRequest } from "../../ports/chain.ts";
import type { Connection } from "./connection.ts";
import type { IWorkerDispatcher, PurchaseRequestStruct } from "./contract-types.ts";
import type { UnsignedCall } from "./sender.ts";
import { eventOf, requiredEventOf } from "./values.ts";

type PurchaseMethods = Pick<Chain, "quote" | "quoteWith" | "buy" | "buyWith">;

/** Buying agreements (contracts/interfaces/IWorkerDispatcher.sol). */
export function createPurchases(
  connection: Connection,
  dispatcher: IWorkerDispatcher,
  address: string,
): PurchaseMethods {
  const events = { address, interface: dispatcher.interface };

  async function purchase(call: () => Promise<UnsignedCall>, options?: ChainOptions): Promise<Purchase> {
    const receipt = await connection.send(call, options);
    refuseIfRejected(receipt);
    const created = requiredEventOf(receipt, events, "AgreementCreated");
    return {
      agreement: created["agreement"] as string,
      paidWei: created["paid"] as bigint,
      transactionHash: receipt.hash,
      gasUsed: receipt.gasUsed,
    };
  }

  function refuseIfRejected(receipt: TransactionReceipt): void {
    const rejected = eventOf(receipt, events, "PurchaseRejected");
    if (rejected === undefined) return;
    const [requiredWei, sentWei] = [String(rejected["required"]), String(rejected["sent"])];
    throw new SprfError("PURCHASE_REJECTED", `${requiredWei} wei expected, ${sentWei} sent`, {
      context: { requiredWei, sentWei, transactionHash: receipt.hash },
    });
  }

  return {
    quote: (request, options) =>
      connection.read(
        () =>
          isPlain(request)
            ? dispatcher.quote(request.redundancy, request.lengthBlocks)
            : dispatcher.quoteFor(structOf(request)),
        options,
      ),
    quoteWith: (workerIds, lengthBlocks, options) =>
      connection.read(() => dispatcher.quoteWith([...workerIds], lengthBlocks), options),
    buy: (request, valueWei, options) =>
      purchase(
        () =>
          isPlain(request)
            ? dispatcher.buyContract.populateTransaction(request.redundancy, request.lengthBlocks, { value: valueWei })
            : dispatcher.buyContractFor.populateTransaction(structOf(request), { value: valueWei }),
        options,
      ),
    buyWith: (workerIds, lengthBlocks, valueWei, options) =>
      purchase(
        () => dispatcher.buyContractWith.populateTransaction([...workerIds], lengthBlocks, { value: valueWei }),
        options,
      ),
  };
}

/** A purchase that asks for nothing but workers and time goes the way that the specification names. */
function isPlain({ redundancy: _redundancy, lengthBlocks: _lengthBlocks, ...rest }: PurchaseRequest): boolean {
  return Object.values(rest).every((value) => value === undefined);
}

function structOf(request: PurchaseRequest): PurchaseRequestStruct {
  return {
    applicationType: request.applicationType ?? ZeroHash,
    redundancy: request.redundancy,
    length: request.lengthBlocks,
    maxPricePerBlock: request.maxPricePerBlockWei ?? 0n,
    minReputation: request.minReputation ?? 0,
    startAfter: request.startAfterBlocks ?? 0,
    testerCount: request.testerCount ?? 0,
    testerFeePerEpoch: request.testerFeePerEpochWei ?? 0n,
  };
}
