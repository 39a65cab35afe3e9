import { z } from "zod";

import { DEFAULT_WITHDRAW_FACTOR } from "../domain/worthwhile.ts";

const GWEI = 10n ** 9n;

/** Of an Ethereum account. */
export const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, "expected an address, 0x and 40 hex digits");
const port = z.coerce.number().int().min(0).max(65_535);
const wei = z.coerce.bigint().min(0n);
/** Variables of the environment are text. */
const flag = z.preprocess((value) => (value === "true" ? true : value === "false" ? false : value), z.boolean());
const list = z.preprocess(
  (value) => (typeof value === "string" ? value.split(",").filter((part) => part !== "") : value),
  z.array(z.string()),
);

/** The networks that a daemon or client takes part in. */
export const networksSchema = z.strictObject({
  chain: z.strictObject({
    rpcUrl: z.url(),
    contracts: z.strictObject({
      twins: address,
      dispatcher: address,
      testers: address,
      disputes: address,
      records: address,
    }),
    /** Absent where there is a market only. */
    grid: z.strictObject({ registry: address, contracts: address, prices: address, quotes: address }).optional(),
    /** Absent where there are no channels. */
    channels: z
      .strictObject({
        hub: address,
        pool: address,
        court: address.optional(),
        watch: address.optional(),
        chat: address.optional(),
        editor: address.optional(),
        land: address.optional(),
      })
      .optional(),
    pollingIntervalMs: z.coerce.number().int().positive().default(1_000),
  }),
  ledger: z.strictObject({ rpcUrl: z.url(), networkPassphrase: z.string().min(1) }),
  waku: z.strictObject({
    /** Multiaddrs ending in `/p2p/<peer id>`; at least one. */
    peers: list,
    clusterId: z.coerce.number().int().min(0).default(42),
    shard: z.coerce.number().int().min(0).default(0),
    listen: list.optional(),
    /** `light` sends through service nodes instead of relaying itself. */
    messenger: z.enum(["relay", "light"]).default("relay"),
    /** Multiaddrs ending in `/p2p/<peer id>`; `light` needs one. */
    serviceNodes: list.default([]),
  }),
});

const identitySchema = z.strictObject({
  /** BIP-39 words; better kept in a keystore. */
  mnemonic: z.string().optional(),
  /** An encrypted keystore, and the file that holds its password. */
  keystore: z.string().optional(),
  passwordFile: z.string().optional(),
  accountIndex: z.coerce.number().int().min(0).default(0),
});

const enginesSchema = z.strictObject({
  kinds: list.pipe(z.array(z.enum(["wasi", "docker"])).min(1)).default(["wasi"]),
  dockerSocket: z.string().optional(),
  dockerRuntime: z.string().optional(),
  /** Runs everything twice and refuses to sign when the results differ. */
  selfCheck: flag.default(false),
  /** How much the states that stay on disk between runs may take. */
  stateCacheMib: z.coerce.number().int().min(0).default(2_048),
  /** How much the images that the worker pulled may take. */
  imageCacheMib: z.coerce.number().int().min(0).default(8_192),
});

const contentSchema = z.strictObject({
  /** `helia` keeps blocks in the data directory; `kubo` uses a daemon that is this account's own. */
  kind: z.enum(["helia", "kubo"]).default("helia"),
  /** Of the daemon's RPC API. */
  kuboUrl: z.url({ protocol: /^https?$/ }).default("http://127.0.0.1:5001"),
});

const databaseSchema = z.strictObject({
  /** `postgres://user:password@host:port/database`; absent: a SQLite file in the data directory. */
  url: z.string().optional(),
});

/** Where the worker's state is in a database, its executions are made by runners. */
const runsSchema = z.strictObject({
  /** Executions that a worker (0: none, its runners alone) or a runner makes at once. */
  own: z.coerce.number().int().min(0).max(256).default(2),
  /** Of so many executions one is made twice, by two runners; 0: only the first of each program on each runner. */
  checkOneIn: z.coerce.number().int().min(0).default(20),
  /** Requests that may wait at once. */
  maxWaiting: z.coerce.number().int().positive().default(10_000),
});

/** All settings of a daemon; every field has one name in files and one in the environment. */
export const settingsSchema = z.strictObject({
  networks: networksSchema,
  identity: identitySchema.prefault({}),
  /** Absent: a folder of its own for each daemon and account. */
  dataDirectory: z.string().optional(),
  logLevel: z.enum(["silent", "error", "warn", "info", "debug"]).default("info"),
  /** The listener for metrics, health and readiness. */
  admin: z
    .strictObject({
      /** Nobody but those who run the daemon may reach it. */
      host: z.string().default("127.0.0.1"),
      /** Absent: off. */
      port: port.optional(),
      /** A chain or ledger without anything new for so long makes the daemon unready; 0: never. */
      maxHeadAgeSeconds: z.coerce.number().int().min(0).default(120),
    })
    .prefault({}),
  engines: enginesSchema.prefault({}),
  content: contentSchema.prefault({}),
  database: databaseSchema.prefault({}),
  runs: runsSchema.prefault({}),
  http: z
    .strictObject({
      host: z.string().default("127.0.0.1"),
      port: port.default(0),
      /** What clients are told. */
      publicUrl: z.url().max(64).optional(),
    })
    .prefault({}),
  /** What a worker registers when it is none yet. */
  worker: z
    .strictObject({
      pricePerBlockWei: wei.default(20_000n * GWEI),
      maxLengthBlocks: z.coerce.number().int().positive().default(1_000),
      slots: z.coerce.number().int().positive().default(2),
      applicationType: z
        .string()
        .regex(/^0x[0-9a-f]{64}$/, "expected 0x and 64 hex digits")
        .default(`0x${"0".repeat(64)}`),
      vettedDigests: list.default([]),
      stakeWei: wei.optional(),
      /** How many times its gas a withdrawal has to bring. */
      withdrawFactor: z.coerce.number().int().min(0).max(1_000).default(DEFAULT_WITHDRAW_FACTOR),
    })
    .prefault({}),
  /** What a tester registers when it is none yet. */
  tester: z
    .strictObject({
      feePerEpochWei: wei.default(50_000n * GWEI),
      capacity: z.coerce.number().int().positive().default(4),
      stakeWei: wei.optional(),
    })
    .prefault({}),
  /** A node of the grid, in the worker's daemon. */
  node: z
    .strictObject({
      enabled: flag.default(false),
      /** In which a node is made when the account has none. */
      farmId: z.coerce.number().int().positive().optional(),
      /** Of the farm's owner, unless that is this account. */
      consentFile: z.string().optional(),
      /** What it offers; what is absent is what the machine has. */
      resources: z
        .strictObject({
          cruCores: z.coerce.number().int().positive().optional(),
          sruGib: z.coerce.bigint().min(0n).optional(),
          hruGib: z.coerce.bigint().min(0n).optional(),
          mruGib: z.coerce.bigint().positive().optional(),
        })
        .prefault({}),
      /** Addresses of this machine on which deployments publish without a public IP. */
      loopbackAddress: z.ipv4().default("127.0.0.1"),
      nodeAddress: z.ipv4().default("127.0.0.1"),
      /** How often all that runs is compared with the chain. */
      pollMs: z.coerce.number().int().min(50).default(10_000),
      sampleMs: z.coerce.number().int().min(50).default(10_000),
      /** Absent: a third of the chain's interval. */
      reportMs: z.coerce.number().int().min(50).optional(),
      /** Who keeps deployments from the machine's own services. */
      firewall: z.enum(["iptables", "managed-elsewhere"]).default("iptables"),
      /** On its containers; absent: one of the account on this grid. */
      label: z
        .string()
        .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "expected at most 32 of a to z, 0 to 9 and -")
        .optional(),
    })
    .prefault({}),
});

export type Settings = z.output<typeof settingsSchema>;

/** Which field each environment variable sets. */
export const ENVIRONMENT = {
  SPRF_CHAIN_URL: "networks.chain.rpcUrl",
  SPRF_TWINS_ADDRESS: "networks.chain.contracts.twins",
  SPRF_DISPATCHER_ADDRESS: "networks.chain.contracts.dispatcher",
  SPRF_TESTERS_ADDRESS: "networks.chain.contracts.testers",
  SPRF_DISPUTES_ADDRESS: "networks.chain.contracts.disputes",
  SPRF_RECORDS_ADDRESS: "networks.chain.contracts.records",
  SPRF_GRID_REGISTRY: "networks.chain.grid.registry",
  SPRF_GRID_CONTRACTS: "networks.chain.grid.contracts",
  SPRF_GRID_PRICES: "networks.chain.grid.prices",
  SPRF_GRID_QUOTES: "networks.chain.grid.quotes",
  SPRF_CHANNEL_HUB: "networks.chain.channels.hub",
  SPRF_CHANNEL_POOL: "networks.chain.channels.pool",
  SPRF_CHANNEL_COURT: "networks.chain.channels.court",
  SPRF_CHANNEL_WATCH: "networks.chain.channels.watch",
  SPRF_CHANNEL_CHAT: "networks.chain.channels.chat",
  SPRF_CHANNEL_EDITOR: "networks.chain.channels.editor",
  SPRF_CHANNEL_LAND: "networks.chain.channels.land",
  SPRF_CHAIN_POLLING_MS: "networks.chain.pollingIntervalMs",
  SPRF_LEDGER_URL: "networks.ledger.rpcUrl",
  SPRF_LEDGER_PASSPHRASE: "networks.ledger.networkPassphrase",
  SPRF_WAKU_PEERS: "networks.waku.peers",
  SPRF_WAKU_CLUSTER: "networks.waku.clusterId",
  SPRF_WAKU_SHARD: "networks.waku.shard",
  SPRF_WAKU_LISTEN: "networks.waku.listen",
  SPRF_WAKU_MESSENGER: "networks.waku.messenger",
  SPRF_WAKU_SERVICE_NODES: "networks.waku.serviceNodes",
  SPRF_MNEMONIC: "identity.mnemonic",
  SPRF_KEYSTORE: "identity.keystore",
  SPRF_PASSWORD_FILE: "identity.passwordFile",
  SPRF_ACCOUNT_INDEX: "identity.accountIndex",
  SPRF_DATA_DIRECTORY: "dataDirectory",
  SPRF_LOG_LEVEL: "logLevel",
  SPRF_ADMIN_HOST: "admin.host",
  SPRF_ADMIN_PORT: "admin.port",
  SPRF_ADMIN_MAX_HEAD_AGE: "admin.maxHeadAgeSeconds",
  SPRF_ENGINES: "engines.kinds",
  SPRF_DOCKER_SOCKET: "engines.dockerSocket",
  SPRF_DOCKER_RUNTIME: "engines.dockerRuntime",
  SPRF_SELF_CHECK: "engines.selfCheck",
  SPRF_STATE_CACHE_MIB: "engines.stateCacheMib",
  SPRF_IMAGE_CACHE_MIB: "engines.imageCacheMib",
  SPRF_CONTENT: "content.kind",
  SPRF_KUBO_URL: "content.kuboUrl",
  // As every platform that gives out databases names it.
  DATABASE_URL: "database.url",
  SPRF_RUNS: "runs.own",
  SPRF_CHECK_ONE_IN: "runs.checkOneIn",
  SPRF_MAX_WAITING: "runs.maxWaiting",
  SPRF_HTTP_HOST: "http.host",
  SPRF_HTTP_PORT: "http.port",
  SPRF_PUBLIC_URL: "http.publicUrl",
  SPRF_PRICE_PER_BLOCK_WEI: "worker.pricePerBlockWei",
  SPRF_MAX_LENGTH_BLOCKS: "worker.maxLengthBlocks",
  SPRF_SLOTS: "worker.slots",
  SPRF_APPLICATION_TYPE: "worker.applicationType",
  SPRF_VETTED_DIGESTS: "worker.vettedDigests",
  SPRF_WORKER_STAKE_WEI: "worker.stakeWei",
  SPRF_WITHDRAW_FACTOR: "worker.withdrawFactor",
  SPRF_TESTER_FEE_WEI: "tester.feePerEpochWei",
  SPRF_TESTER_CAPACITY: "tester.capacity",
  SPRF_TESTER_STAKE_WEI: "tester.stakeWei",
  SPRF_NODE: "node.enabled",
  SPRF_NODE_FARM: "node.farmId",
  SPRF_NODE_CONSENT: "node.consentFile",
  SPRF_NODE_ADDRESS: "node.nodeAddress",
  SPRF_NODE_LOOPBACK: "node.loopbackAddress",
  SPRF_NODE_POLL_MS: "node.pollMs",
  SPRF_NODE_SAMPLE_MS: "node.sampleMs",
  SPRF_NODE_REPORT_MS: "node.reportMs",
  SPRF_NODE_FIREWALL: "node.firewall",
  SPRF_NODE_LABEL: "node.label",
  SPRF_NODE_CORES: "node.resources.cruCores",
  SPRF_NODE_SSD_GIB: "node.resources.sruGib",
  SPRF_NODE_HDD_GIB: "node.resources.hruGib",
  SPRF_NODE_MEMORY_GIB: "node.resources.mruGib",
} as const satisfies Record<string, string>;
