import { network } from "hardhat";

/** What a chain says of a transaction that calls a program. */
export interface OracleResult {
  readonly succeeded: boolean;
  readonly gasUsed: bigint;
  readonly logs: readonly { readonly topics: readonly string[]; readonly data: string }[];
  /** Every slot that the program read or wrote, with its value before; ascending, hex without prefix. */
  readonly touched: readonly (readonly [slot: string, before: string])[];
}

/** Hardhat's chain in this process, with a program's code at an address: another EVM (revm) to compare with. */
export interface Oracle {
  call(data: Uint8Array, gas: bigint): Promise<OracleResult>;
  /** A slot's value, hex without prefix. */
  slot(slot: string): Promise<string>;
  close(): Promise<void>;
}

interface Receipt {
  readonly status: string;
  readonly gasUsed: string;
  readonly logs: OracleResult["logs"];
}

type Prestate = Readonly<Record<string, { readonly storage?: Readonly<Record<string, string>> }>>;

export async function openOracle(address: string, code: string): Promise<Oracle> {
  const connection = await network.create({
    network: "default",
    override: { hardfork: "osaka", throwOnTransactionFailures: false },
  });
  const rpc = async <T>(method: string, ...params: readonly unknown[]): Promise<T> =>
    (await connection.provider.request({ method, params: [...params] })) as T;
  const [from] = await rpc<readonly string[]>("eth_accounts");
  await rpc("hardhat_setCode", address, code);
  return {
    async call(data, gas) {
      const transaction = { from, to: address, data: `0x${Buffer.from(data).toString("hex")}`, gas: hex(gas) };
      const hash = await rpc<string>("eth_sendTransaction", transaction);
      const { status, gasUsed, logs } = await rpc<Receipt>("eth_getTransactionReceipt", hash);
      const prestate = await rpc<Prestate>("debug_traceTransaction", hash, { tracer: "prestateTracer" });
      const touched = Object.entries(prestate[address]?.storage ?? {});
      return {
        succeeded: status === "0x1",
        gasUsed: BigInt(gasUsed),
        logs: logs.map((log) => ({ topics: log.topics, data: log.data })),
        touched: touched.map(([slot, before]) => [slot.slice(2), before.slice(2)] as const).sort(bySlot),
      };
    },
    slot: async (slot) => (await rpc<string>("eth_getStorageAt", address, `0x${slot}`, "latest")).slice(2),
    close: async () => await connection.close(),
  };
}

/** What a transaction pays besides what its code uses, and the least that it pays for its calldata (EIP-7623). */
export function intrinsicGas(data: Uint8Array): { readonly gas: bigint; readonly floor: bigint } {
  const tokens = data.reduce((sum, byte) => sum + (byte === 0 ? 1 : 4), 0);
  return { gas: 21_000n + 4n * BigInt(tokens), floor: 21_000n + 10n * BigInt(tokens) };
}

function bySlot([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
