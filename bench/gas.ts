// Gas of every transaction of the market; `scripts/checks/gas.ts` holds the contracts to what this writes.
import { createRequire } from "node:module";

import { measureGas } from "./gas-rows.ts";
import { writeReport } from "./report.ts";

/** Up to the size at which a walk of all workers would no longer fit a block. */
const SIZES = [10, 1_000, 10_000];

const { version } = createRequire(import.meta.url)("solc/package.json") as { version: string };
await writeReport("gas", await measureGas(SIZES), { versions: { solc: version, evm: "osaka", optimizer: "200 runs" } });
