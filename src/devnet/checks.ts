import { connectToRead } from "../adapters/chain/connection.ts";
import { createStellarRpcLedger } from "../adapters/ledger/stellar-rpc.ts";
import type { ReadinessCheck } from "../admin/readiness.ts";
import { SprfError } from "../errors.ts";
import type { Devnet } from "./create-devnet.ts";

const POLLING_MS = 1_000;

/** Whether chain and ledger answer from outside. */
export function devnetChecks(devnet: () => Devnet | undefined): readonly ReadinessCheck[] {
  const networks = (): Devnet["networks"] => {
    const up = devnet();
    if (up === undefined) throw new SprfError("INTERNAL", "devnet was not started");
    return up.networks;
  };
  return [
    {
      part: "chain",
      async look(options) {
        const { rpcUrl } = networks().chain;
        const connection = await connectToRead({ rpcUrl, pollingIntervalMs: POLLING_MS }, options);
        try {
          return { block: await connection.read(async () => await connection.provider.getBlockNumber(), options) };
        } finally {
          connection.close();
        }
      },
    },
    {
      part: "ledger",
      async look(options) {
        return { ledger: (await createStellarRpcLedger(networks().ledger).latest(options)).sequence };
      },
    },
  ];
}
