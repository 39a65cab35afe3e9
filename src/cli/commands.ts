import type { Command } from "commander";

/** A command of `sprf`. Its module is loaded when it is called: a market's listing does not wait for a worker's libraries. */
export interface CommandEntry {
  readonly name: string;
  readonly description: string;
  /** The heading in the help under which it stands. */
  readonly group: string;
  readonly load: () => Promise<(command: Command) => void>;
}

const TRY = "To try it:";
const USE = "To buy and use:";
const SERVE = "To serve:";
const CARE = "To look after it:";

/** All commands, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "start",
    description: "Starts devnet, buys an agreement, and takes a program to a state anchored by its workers' majority.",
    group: TRY,
    load: async () => (await import("./start.ts")).defineStart,
  },
  {
    name: "devnet",
    description:
      "Keeps Ethereum, Stellar, Waku and IPFS up on this machine, with the market deployed and accounts funded.",
    group: TRY,
    load: async () => (await import("./devnet.ts")).defineDevnet,
  },
  {
    name: "market",
    description: "Quotes and buys agreements; shows workers, agreements, payments due and statements from the index.",
    group: USE,
    load: async () => (await import("./market.ts")).defineMarket,
  },
  {
    name: "program",
    description: "Writes, builds and tries programs; makes, runs, shows and changes their smart accounts.",
    group: USE,
    load: async () => (await import("./program.ts")).defineProgram,
  },
  {
    name: "audit",
    description: "Checks the whole history of a program from the ledger and IPFS alone, and runs it again.",
    group: USE,
    load: async () => (await import("./audit.ts")).defineAudit,
  },
  {
    name: "grid",
    description: "Deploys workloads on nodes, shows and pays what they use, and runs farms.",
    group: USE,
    load: async () => (await import("./grid.ts")).defineGrid,
  },
  {
    name: "channel",
    description:
      "Makes channels, joins them, runs a member's node, and calls, watches, settles and verifies what they play.",
    group: USE,
    load: async () => (await import("./channel.ts")).defineChannel,
  },
  {
    name: "dashboard",
    description:
      "Serves pages in the browser: the market, agreements as their money flows, programs, nodes, channels, and payments.",
    group: USE,
    load: async () => (await import("./dashboard.ts")).defineDashboard,
  },
  {
    name: "worker",
    description:
      "Registers as a worker where it is none yet, and serves its agreements until Ctrl-C; shows how it stands.",
    group: SERVE,
    load: async () => (await import("./worker.ts")).defineWorker,
  },
  {
    name: "runner",
    description: "Makes a worker's executions on another machine, from the worker's PostgreSQL, until Ctrl-C.",
    group: SERVE,
    load: async () => (await import("./runner.ts")).defineRunner,
  },
  {
    name: "tester",
    description: "Registers as a tester where it is none yet, and answers its draws until Ctrl-C.",
    group: SERVE,
    load: async () => (await import("./tester.ts")).defineTester,
  },
  {
    name: "node",
    description: "Runs a node of the grid; shows nodes, and takes one's own in and out.",
    group: SERVE,
    load: async () => (await import("./node.ts")).defineNode,
  },
  {
    name: "indexer",
    description: "Reads the market's events into an index, and ends when it is at the head of the chain.",
    group: SERVE,
    load: async () => (await import("./indexer.ts")).defineIndexer,
  },
  {
    name: "keys",
    description: "Makes, imports and shows encrypted keystores, and the accounts that they hold.",
    group: CARE,
    load: async () => (await import("./keys.ts")).defineKeys,
  },
  {
    name: "config",
    description: "Shows the settings and where each came from, and their schema.",
    group: CARE,
    load: async () => (await import("./config.ts")).defineConfig,
  },
  {
    name: "backup",
    description: "Writes a daemon's store and content into one file, while the daemon works.",
    group: CARE,
    load: async () => (await import("./backup.ts")).defineBackup,
  },
  {
    name: "restore",
    description: "Makes a data directory of such a file; the worker in it signs nothing a second time.",
    group: CARE,
    load: async () => (await import("./backup.ts")).defineRestore,
  },
  {
    name: "doctor",
    description: "Checks chain, ledger, messages, content, engines, clocks and disk, and says what to mend.",
    group: CARE,
    load: async () => (await import("./doctor.ts")).defineDoctor,
  },
];
