import { mkdir, open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";

import { createEthersChain } from "./adapters/chain/ethers.ts";
import { systemClock } from "./adapters/clock/system.ts";
import { createKuboRpc } from "./adapters/content-store/kubo/rpc.ts";
import { createStellarRpcLedger, passphraseOf } from "./adapters/ledger/stellar-rpc.ts";
import { createPostgres } from "./adapters/postgres/connect.ts";
import { systemRandom } from "./adapters/random/system.ts";
import type { Settings } from "./config/schema.ts";
import { closeEngines, createEngines, type EngineSettings } from "./create-engines.ts";
import { createKeys } from "./create-keys.ts";
import { createPeer, type NetworkSettings } from "./create-peer.ts";
import { examineAll, type Check, type Finding } from "./doctor/examine.ts";
import { deriveTwinKeys, mnemonicOf, type TwinKeys } from "./domain/identity/keys.ts";
import { SprfError, messageOf } from "./errors.ts";
import type { ContentStore } from "./ports/content-store.ts";
import type { ProgramReference } from "./ports/engine.ts";
import type { Logger } from "./ports/logger.ts";

const MS_PER_SECOND = 1_000;
const MIB = 1024 * 1024;
/** With less, states and images soon fill the disk. */
const ROOM_MIB = 1_024;
/** What others allow a clock. */
const MAX_CLOCK_OFF_SECONDS = 15;
const ENTROPY_BYTES = 16;
const LEAST_POSTGRES = 15;

export interface DoctorInit {
  /** Or why there are none: what needs no networks is examined all the same. */
  readonly settings: Settings | SprfError;
  readonly networks: NetworkSettings | undefined;
  readonly engines: EngineSettings;
  readonly dataDirectory: string;
  readonly logger: Logger;
}

/** Examines this machine and the networks that the settings name; nothing is written but a file that is removed again. */
export async function examineSetup(
  init: DoctorInit,
  options: { readonly signal: AbortSignal; readonly onFinding?: (finding: Finding) => void },
): Promise<readonly Finding[]> {
  return await examineAll(checksOf(init), { clock: systemClock, ...options });
}

function checksOf({ settings, networks, engines, dataDirectory, logger }: DoctorInit): readonly Check[] {
  const ofMachine = [
    settingsCheck(settings),
    diskCheck(dataDirectory),
    engineCheck("wasi", engines, logger),
    engineCheck("docker", engines, logger),
  ];
  if (settings instanceof SprfError || networks === undefined) return ofMachine;
  // A daemon may be up with the account's own keys: two peers of one identity would take each other's connections.
  const stranger = deriveTwinKeys(mnemonicOf(systemRandom.bytes(ENTROPY_BYTES)));
  return [
    ...ofMachine,
    chainCheck(networks, stranger),
    ledgerCheck(networks),
    clockCheck(networks),
    messagesCheck(networks, stranger, logger),
    ...(settings.content.kind === "kubo" ? [kuboCheck(settings.content.kuboUrl)] : []),
    ...(settings.database.url === undefined ? [] : [databaseCheck(settings.database.url, logger)]),
    accountCheck(settings, networks),
  ];
}

function settingsCheck(settings: Settings | SprfError): Check {
  return {
    part: "settings",
    async examine() {
      if (settings instanceof SprfError) throw settings;
      return { health: "ok", detail: "complete; `sprf config show` tells where each comes from" };
    },
  };
}

function diskCheck(dataDirectory: string): Check {
  return {
    part: "disk",
    async examine() {
      const probe = join(dataDirectory, `.doctor-${process.pid}`);
      try {
        await mkdir(dataDirectory, { recursive: true });
        const file = await open(probe, "w");
        try {
          // All of it, or it fails: a single write may end early on a disk that is full.
          await file.writeFile(systemRandom.bytes(MIB));
          await file.sync();
        } finally {
          await file.close();
        }
      } catch (error) {
        return {
          health: "failed",
          detail: `nothing can be written in ${dataDirectory}: ${messageOf(error)}`,
          mend: "Make room or give the folder to this user, or choose another one with --data.",
        };
      } finally {
        await rm(probe, { force: true });
      }
      const { bavail, bsize } = await statfs(dataDirectory);
      const freeMib = Math.floor((bavail * bsize) / MIB);
      const detail = `${dataDirectory} is writable, ${freeMib} MiB are free`;
      if (freeMib >= ROOM_MIB) return { health: "ok", detail };
      return { health: "warning", detail, mend: `Make room: states and images want ${ROOM_MIB} MiB or more.` };
    },
  };
}

/** An engine that the settings do not name may be absent. */
function engineCheck(kind: ProgramReference["kind"], settings: EngineSettings, logger: Logger): Check {
  return {
    part: kind,
    async examine({ signal }) {
      // To look whether an engine is there, no content is asked for.
      const engines = createEngines({ content: {} as ContentStore, logger }, { ...settings, kinds: [kind] });
      try {
        for (const engine of engines.values()) await engine.check({ signal });
        return { health: "ok", detail: "it answers" };
      } catch (error) {
        if (!(error instanceof SprfError) || settings.kinds.includes(kind)) throw error;
        return { health: "warning", detail: error.message, mend: `Not needed: the settings do not name ${kind}.` };
      } finally {
        await closeEngines(engines);
      }
    },
  };
}

function chainCheck({ chain: settings }: NetworkSettings, { accountPrivateKey: privateKey }: TwinKeys): Check {
  return {
    part: "chain",
    async examine({ signal }) {
      const chain = await createEthersChain({ ...settings, privateKey }, { signal });
      try {
        const block = await chain.blockNumber({ signal });
        return {
          health: "ok",
          detail: `${settings.rpcUrl}: chain ${chain.chainId}, block ${block}, the market is there`,
        };
      } finally {
        chain.close();
      }
    },
  };
}

function ledgerCheck({ ledger: settings }: NetworkSettings): Check {
  return {
    part: "ledger",
    async examine({ signal }) {
      const passphrase = await passphraseOf(settings.rpcUrl, { signal });
      if (passphrase !== settings.networkPassphrase) {
        return {
          health: "failed",
          detail: `${settings.rpcUrl} is of the network "${passphrase}", the settings say "${settings.networkPassphrase}"`,
          mend: "Correct networks.ledger (SPRF_LEDGER_URL, SPRF_LEDGER_PASSPHRASE).",
        };
      }
      const { sequence } = await createStellarRpcLedger(settings).latest({ signal });
      return { health: "ok", detail: `${settings.rpcUrl}: "${passphrase}", ledger ${sequence}` };
    },
  };
}

/** The ledger's time is agreed upon by its validators, and it goes on by itself. */
function clockCheck({ ledger: settings }: NetworkSettings): Check {
  return {
    part: "clock",
    async examine({ signal }) {
      const ledger = createStellarRpcLedger(settings);
      const { sequence } = await ledger.latest({ signal }).catch((error: unknown) => {
        if (error instanceof SprfError && error.code !== "ABORTED") return { sequence: undefined };
        throw error;
      });
      const header = sequence === undefined ? undefined : await ledger.header(sequence, { signal });
      if (header === undefined) return { health: "skipped", detail: "there is no ledger to compare it with" };
      const off = Math.round(systemClock.now() / MS_PER_SECOND - header.closeTime);
      const detail = `${Math.abs(off)} s ${off < 0 ? "behind" : "after"} the last ledger`;
      if (off > -MAX_CLOCK_OFF_SECONDS && off < MAX_CLOCK_OFF_SECONDS) return { health: "ok", detail };
      return {
        health: off < 0 ? "failed" : "warning",
        detail,
        mend: "Set this machine's clock (NTP). Where it is right, the ledger stands still.",
      };
    },
  };
}

function messagesCheck(networks: NetworkSettings, keys: TwinKeys, logger: Logger): Check {
  return {
    part: "messages",
    async examine({ signal }) {
      const peer = await createPeer({ networks, keys, logger });
      try {
        await peer.start({ signal });
        await peer.messenger.ready({ signal });
        return { health: "ok", detail: "a Waku peer takes and brings messages" };
      } finally {
        await peer.stop();
      }
    },
  };
}

function kuboCheck(url: string): Check {
  return {
    part: "content",
    async examine({ signal }) {
      const answer = await createKuboRpc({ url, clock: systemClock }).read("version", {}, { signal });
      const { Version } = JSON.parse(new TextDecoder().decode(answer)) as { Version: string };
      return { health: "ok", detail: `${url}: Kubo ${Version}` };
    },
  };
}

function databaseCheck(url: string, logger: Logger): Check {
  return {
    part: "database",
    async examine({ signal }) {
      const postgres = createPostgres({ url, clock: systemClock, logger, patienceMs: 0 });
      try {
        const sql = `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major,
          has_database_privilege(current_database(), 'CREATE') AS is_ours`;
        const { rows } = await postgres.patiently(
          async () => await postgres.pool.query<{ version: string; major: number; is_ours: boolean }>(sql),
          { signal },
        );
        const { version = "", major = 0, is_ours: isOurs = false } = rows[0] ?? {};
        const detail = `PostgreSQL ${version}`;
        if (major < LEAST_POSTGRES) {
          return { health: "failed", detail, mend: `Give it PostgreSQL ${LEAST_POSTGRES} or newer.` };
        }
        if (isOurs) return { health: "ok", detail: `${detail}, and tables can be made in it` };
        const mend = "GRANT CREATE ON DATABASE to the user that database.url (DATABASE_URL) names.";
        return { health: "failed", detail: `${detail}; no tables can be made in it`, mend };
      } finally {
        await postgres.close();
      }
    },
  };
}

/** Keys, money on both networks, and what the account is on the market. */
function accountCheck(settings: Settings, { chain: chainSettings, ledger: ledgerSettings }: NetworkSettings): Check {
  return {
    part: "account",
    async examine({ signal }) {
      const keys = await createKeys(settings);
      const chain = await createEthersChain({ ...chainSettings, privateKey: keys.accountPrivateKey }, { signal });
      try {
        const ledgerKey = keys.ledgerKeypair.publicKey();
        const [wei, twin, onLedger] = await Promise.all([
          chain.balanceWei(keys.account, { signal }),
          chain.twinOf(keys.account, { signal }),
          createStellarRpcLedger(ledgerSettings).account(ledgerKey, [], { signal }),
        ]);
        const detail = `${keys.account}${twin === undefined ? ", no twin yet" : `, twin ${twin.id}`}`;
        if (wei === 0n) {
          return { health: "warning", detail: `${detail}; it has no ether`, mend: `Send ether to ${keys.account}.` };
        }
        if (onLedger === undefined) {
          const mend = `Send XLM to ${ledgerKey}, which makes the account.`;
          return { health: "warning", detail: `${detail}; it has no account on the ledger`, mend };
        }
        return { health: "ok", detail: `${detail}; it has ether and XLM` };
      } finally {
        chain.close();
      }
    },
  };
}
