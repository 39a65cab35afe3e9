import { Common, Hardfork, Mainnet } from "@ethereumjs/common";
import { createEVM, EVMError, type EVM } from "@ethereumjs/evm";
import { Address, createZeroAddress, hexToBytes } from "@ethereumjs/util";

import type { Logger } from "../../ports/logger.ts";
import { keepJumpTable, memoiseJumpTables } from "./jump-tables.ts";
import { checkNativeCrypto, nativeCrypto } from "./native-crypto.ts";
import { ProgramState } from "./program-state.ts";
import type { SlotStore } from "./slot-store.ts";

/** The rules of gas and opcodes. The same as solc's `evmVersion`; a channel's records depend on it for ever. */
const HARDFORK = Hardfork.Osaka;

/** A precompile that needs a trusted setup of 400 KiB, which nothing off the beacon chain has a use for. */
const POINT_EVALUATION = "0x000000000000000000000000000000000000000a";

/** What must be forgotten after a call, or the next one finds warm slots, old values or transient ones and costs other gas. */
export type Cleanup = "journal" | "originals" | "transient";

const ALL_CLEANUPS: ReadonlySet<Cleanup> = new Set(["journal", "originals", "transient"]);

export interface ProgramLog {
  readonly topics: readonly Uint8Array[];
  readonly data: Uint8Array;
}

/** How a call of the program ended. */
export interface CallOutcome {
  readonly succeeded: boolean;
  /** Without intrinsic gas and before refunds. */
  readonly gasUsed: number;
  /** What a chain would give back at most. */
  readonly gasRefund: number;
  readonly returnData: Uint8Array;
  /** None when it failed. */
  readonly logs: readonly ProgramLog[];
  /** The EVM's word for why it failed. */
  readonly failure?: string;
}

export interface CallRunner {
  /** Runs calldata as it is; what it writes stays in the store's record when it succeeded. */
  run(call: { readonly data: Uint8Array; readonly gasLimit: bigint }): Promise<CallOutcome>;
  /** Forgets the record: call it after the last call of each. */
  finish(): void;
}

export interface CallRunnerOptions {
  /** Where the program says that it is; logs and `address(this)` would show it. */
  readonly address: `0x${string}`;
  readonly code: Uint8Array;
  /** Stock: analyse jump destinations for each call, as the EVM does by itself. @default "memoised" */
  readonly jumpTables?: "memoised" | "stock";
  /** Told of what is slower than it should be. */
  readonly logger?: Logger;
  /** For tests that show what each is good for. @default all */
  readonly cleanups?: ReadonlySet<Cleanup>;
}

/** An EVM that runs calls of one program over a store of slots, one at a time. */
export async function createCallRunner(store: SlotStore, options: CallRunnerOptions): Promise<CallRunner> {
  const { cleanups = ALL_CLEANUPS } = options;
  // A copy, since its analysis is kept by identity and the caller may write to its own.
  const code = Uint8Array.from(options.code);
  const address = new Address(hexToBytes(options.address));
  const nobody = createZeroAddress();
  const state = new ProgramState(store, { address, code });
  const evm: EVM = await createEVM({
    common: new Common({ chain: Mainnet, hardfork: HARDFORK, customCrypto: nativeCrypto }),
    stateManager: state,
    customPrecompiles: [{ address: POINT_EVALUATION, function: ({ gasLimit }) => outOfGas(gasLimit) }],
  });
  checkNativeCrypto(options.logger);
  if (options.jumpTables !== "stock") {
    if (await memoiseJumpTables()) keepJumpTable(code);
    else options.logger?.warn("jump destinations are analysed for every call: this version of the EVM is another one");
  }
  // As in a transaction: what is called and the precompiles are warm from the start.
  const warm = [options.address.toLowerCase(), ...evm.precompiles.keys()];

  return {
    async run({ data, gasLimit }) {
      for (const each of warm) evm.journal.addAlwaysWarmAddress(each);
      try {
        const { execResult } = await evm.runCall({
          to: address,
          caller: nobody,
          data,
          gasLimit,
          skipNonceIncrement: true,
        });
        const { exceptionError: error, executionGasUsed, gasRefund = 0n, returnValue, logs = [] } = execResult;
        return {
          succeeded: error === undefined,
          gasUsed: Number(executionGasUsed),
          gasRefund: Number(gasRefund),
          returnData: returnValue,
          logs: error === undefined ? logs.map(([, topics, logData]) => ({ topics, data: logData })) : [],
          ...(error === undefined ? {} : { failure: error.error }),
        };
      } finally {
        if (cleanups.has("journal")) await evm.journal.cleanup();
        if (cleanups.has("transient")) evm.transientStorage.clear();
      }
    },
    finish() {
      if (cleanups.has("originals")) state.originalStorageCache.clear();
    },
  };
}

function outOfGas(gasLimit: bigint): { returnValue: Uint8Array; executionGasUsed: bigint; exceptionError: EVMError } {
  return {
    returnValue: new Uint8Array(0),
    executionGasUsed: gasLimit,
    exceptionError: new EVMError(EVMError.errorMessages.OUT_OF_GAS),
  };
}
