// Buys an agreement, with workers that the market draws or, when a policy option is given, that the policy chooses.
//
// hardhat run scripts/buy-contract.ts --network devnet: options from the environment, since Hardhat passes none on.
// npx node scripts/buy-contract.ts --devnet --help: the same with options; it lists them with their variables.
import { z } from "zod";

import { createCommand } from "../src/cli/create-command.ts";
import { parseEnvironment, parseOptions } from "../src/cli/parse-options.ts";
import { PURCHASE_FIELDS, hasConditions, policyOf, purchaseSchema } from "../src/cli/purchase-options.ts";
import { runCommand } from "../src/cli/run-command.ts";
import { devnetFilePath } from "../src/config/devnet-file.ts";
import type { LoadSettingsInit } from "../src/config/load.ts";
import { scriptSettings } from "../src/config/script-settings.ts";
import { createMarket } from "../src/create-market.ts";
import type { ChoiceTally } from "../src/domain/market/choice-tally.ts";
import { explainChoice } from "../src/domain/market/explain-choice.ts";
import { SprfError } from "../src/errors.ts";
import type { Purchase } from "../src/ports/chain.ts";

const yes = z.union([z.boolean(), z.stringbool()]);

/** What can be asked for, by option: its variable, how the option looks, and what is taken. */
const FIELDS = {
  redundancy: { ...PURCHASE_FIELDS.redundancy, variable: "SPRF_REDUNDANCY" },
  length: { ...PURCHASE_FIELDS.length, variable: "SPRF_LENGTH" },
  testerCount: { ...PURCHASE_FIELDS.testerCount, variable: "SPRF_TESTER_COUNT" },
  maxPrice: { ...PURCHASE_FIELDS.maxPrice, variable: "SPRF_MAX_PRICE_WEI" },
  minReputation: { ...PURCHASE_FIELDS.minReputation, variable: "SPRF_MIN_REPUTATION" },
  minUptime: { ...PURCHASE_FIELDS.minUptime, variable: "SPRF_MIN_UPTIME" },
  minStake: { ...PURCHASE_FIELDS.minStake, variable: "SPRF_MIN_STAKE_WEI" },
  exclude: { ...PURCHASE_FIELDS.exclude, variable: "SPRF_EXCLUDE" },
  prefer: { ...PURCHASE_FIELDS.prefer, variable: "SPRF_PREFER" },
  dryRun: {
    variable: "SPRF_DRY_RUN",
    flags: "--dry-run",
    help: "choose by the policy, and buy nothing",
    schema: yes,
  },
  json: { variable: "SPRF_JSON", flags: "--json", help: "one JSON object on stdout", schema: yes },
} as const;

type Name = keyof typeof FIELDS;
const NAMES = Object.keys(FIELDS) as readonly Name[];

const orderSchema = purchaseSchema.extend({
  dryRun: FIELDS.dryRun.schema.default(false),
  json: FIELDS.json.schema.default(false),
});

type Order = z.output<typeof orderSchema>;
type Shown = Readonly<Record<string, string | number | bigint | readonly number[]>>;

const command = createCommand("npx node scripts/buy-contract.ts", "Buys an agreement.")
  .option("--config <file>", "settings as JSON")
  .option("--devnet [file]", "take networks and accounts from what `npx sprf devnet` has written")
  .option("--account <index>", "which account of the mnemonic (SPRF_ACCOUNT_INDEX)");
for (const name of NAMES) command.option(FIELDS[name].flags, `${FIELDS[name].help} (${FIELDS[name].variable})`);
command.action(async (options: Readonly<Record<string, unknown>>) => {
  const raw = { ...givenByEnvironment(), ...options };
  const json = yes.safeParse(raw.json).data === true;
  await runCommand(async (signal) => await buy(raw, signal), { json });
});

// Under Hardhat, the arguments are Hardhat's own.
await command.parseAsync(import.meta.main ? process.argv.slice(2) : [], { from: "user" });

async function buy(raw: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<void> {
  parseEnvironment(
    Object.fromEntries(NAMES.map((name) => [FIELDS[name].variable, FIELDS[name].schema.optional()])),
    process.env,
  );
  const order = parseOptions(orderSchema, raw);
  const policy = order.dryRun || hasConditions(order) ? policyOf(order) : undefined;
  const market = await createMarket(await settingsOf(raw));
  const { chain, keys } = market;
  try {
    if (order.dryRun && policy !== undefined) {
      const choice = await market.chooseWorkers(policy, { signal });
      if (choice.kind === "none") throw new SprfError("NO_MATCH", explainChoice(choice.tally));
      const workers = choice.workers.map(({ workerId }) => workerId);
      return print("choice, nothing bought", { workers, why: explainChoice(choice.tally) }, order);
    }
    const ledgerKey = new Uint8Array(keys.ledgerKeypair.rawPublicKey());
    await chain.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey }, { signal });
    const { redundancy, length: lengthBlocks, testerCount = 1 } = order;
    const request = { redundancy, lengthBlocks, testerCount };
    const bought: Purchase & { readonly tally?: ChoiceTally } =
      policy === undefined
        ? await chain.buy(request, await chain.quote(request, { signal }), { signal })
        : await market.buyBest(policy, { signal });
    const agreement = await chain.agreement(bought.agreement, { signal });
    const shown = {
      client: chain.account,
      paid: bought.paidWei,
      workers: agreement?.workerIds ?? [],
      ...(bought.tally !== undefined ? { why: explainChoice(bought.tally) } : {}),
      firstBlock: agreement?.startBlock ?? 0,
      lastBlock: (agreement?.endBlock ?? 0) - 1,
      transaction: bought.transactionHash,
      gas: bought.gasUsed,
    };
    print(`agreement ${bought.agreement}`, order.json ? { agreement: bought.agreement, ...shown } : shown, order);
  } finally {
    chain.close();
  }
}

function givenByEnvironment(): Readonly<Record<string, unknown>> {
  const given = NAMES.map((name) => [name, process.env[FIELDS[name].variable]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined && value !== ""));
}

async function settingsOf(raw: Readonly<Record<string, unknown>>): Promise<LoadSettingsInit> {
  if (!import.meta.main) return scriptSettings((await import("hardhat")).default.globalOptions.network);
  const { devnet, config, account } = raw;
  return {
    flags: { "identity.accountIndex": account },
    ...(typeof config === "string" ? { file: config } : {}),
    ...(devnet === undefined ? {} : { devnetFile: typeof devnet === "string" ? devnet : devnetFilePath() }),
  };
}

function print(title: string, values: Shown, { json }: Order): void {
  if (json) {
    console.log(JSON.stringify(values, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
    return;
  }
  console.log(title);
  for (const [name, value] of Object.entries(values)) {
    const text = Array.isArray(value) ? value.join(", ") : String(value);
    console.log(`  ${name.padEnd(11)}  ${text}`);
  }
}
