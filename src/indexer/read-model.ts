import { reputationOf, uptimeOf } from "../domain/read-model/reputation.ts";
import {
  TABLES,
  keys,
  type AgreementRow,
  type CreditRow,
  type EpochRow,
  type HistoryRow,
  type LineRow,
  type RowTable,
  type TesterRow,
  type WorkerRow,
} from "../domain/read-model/rows.ts";
import { SprfError } from "../errors.ts";
import type { Store, StoreRange } from "../ports/store.ts";
import { readCursor, type Cursor } from "./cursor.ts";
import { parseRow } from "./working-set.ts";

const PAGE = 500;

/** A worker with what follows from its record. */
export interface IndexedWorker extends WorkerRow {
  /** Basis points. */
  readonly reputation: number;
  /** Basis points. */
  readonly uptime: number;
}

/** Stake that is on its way out. */
export interface LeavingStake {
  readonly from: "worker" | "tester";
  readonly id: number;
  readonly amountWei: bigint;
  /** First block in which it can be withdrawn. */
  readonly releaseBlock: number;
}

/** What the market owes an account. */
export interface Due {
  readonly account: string;
  /** Withdrawn from each agreement. */
  readonly credits: readonly CreditRow[];
  /** Withdrawn from the registry of testers. */
  readonly feesWei: bigint;
  /** Withdrawn from appeals and challenges. */
  readonly bondsWei: bigint;
  readonly stakes: readonly LeavingStake[];
  /** All that can be withdrawn in the block after the index's. */
  readonly nowWei: bigint;
}

/** Numbers of an account. */
export interface IndexedAccount {
  readonly twinId?: number;
  readonly testerId?: number;
  /** Lines of its statement. */
  readonly lines: number;
}

export interface PageOptions {
  /** Only entries after this number; before it when they come newest first. */
  readonly from?: number;
  /** @default 100 */
  readonly limit?: number;
}

/**
 * What an index knows of its market, as of its last block. Everything fails with `INDEX_INVALID` when there is no index in the
 * store, and nothing is found by a number that the market never gave.
 */
export interface ReadModel {
  asOf(): Promise<Cursor>;
  workers(options?: PageOptions): Promise<readonly IndexedWorker[]>;
  worker(workerId: number): Promise<IndexedWorker | undefined>;
  /** Newest first. */
  history(workerId: number, options?: PageOptions): Promise<readonly HistoryRow[]>;
  /** Newest first; of one worker or client when one is given. */
  agreements(
    options?: PageOptions & { readonly workerId?: number; readonly client?: string },
  ): Promise<readonly AgreementRow[]>;
  agreement(number: number): Promise<AgreementRow | undefined>;
  epochs(number: number, options?: PageOptions): Promise<readonly EpochRow[]>;
  testers(options?: PageOptions): Promise<readonly TesterRow[]>;
  /** The agreement at an address. */
  agreementAt(address: string): Promise<AgreementRow | undefined>;
  tester(testerId: number): Promise<TesterRow | undefined>;
  /** Of the twin, tester and statement that an account has; undefined or 0 for what it has not. */
  account(account: string): Promise<IndexedAccount>;
  /** The newest lines of an account's statement, newest first. */
  latestLines(account: string, options?: PageOptions): Promise<readonly LineRow[]>;
  /** The account of a twin. */
  accountOf(twinId: number): Promise<string | undefined>;
  due(account: string): Promise<Due>;
  /**
   * An account's statement, a page at a time, from its first line to the index's last block.
   *
   * @throws SprfError `INDEX_MOVED` when blocks were replaced while it was read: then the pages may be of two chains
   */
  statement(account: string): AsyncIterable<readonly LineRow[]>;
}

export function createReadModel(store: Store): ReadModel {
  async function get<T>(table: RowTable<T>, key: string): Promise<T | undefined> {
    const bytes = await store.get(table.name, key);
    return bytes === undefined ? undefined : parseRow(table, key, bytes);
  }

  async function list<T>(table: RowTable<T>, range: StoreRange): Promise<T[]> {
    const entries = await store.list(table.name, range);
    return entries.map(({ key, value }) => parseRow(table, key, value));
  }

  async function asOf(): Promise<Cursor> {
    const cursor = await readCursor(store);
    if (cursor === undefined) throw new SprfError("INDEX_INVALID", "nothing was indexed here yet");
    return cursor;
  }

  const upwards = (prefix: string, { from = -1, limit = 100 }: PageOptions = {}): StoreRange => ({
    prefix,
    ...(from < 0 ? {} : { after: `${prefix}${keys.number(from)}` }),
    limit,
  });
  const downwards = (prefix: string, { from, limit = 100 }: PageOptions = {}): StoreRange => ({
    prefix,
    ...(from === undefined ? {} : { before: `${prefix}${keys.number(from)}` }),
    reverse: true,
    limit,
  });

  async function stakesOf(account: string): Promise<LeavingStake[]> {
    const stakes: LeavingStake[] = [];
    const testerId = (await get(TABLES.testerOf, keys.account(account)))?.id;
    const tester = testerId === undefined ? undefined : await get(TABLES.testers, keys.number(testerId));
    if (tester !== undefined) {
      stakes.push({
        from: "tester",
        id: tester.testerId,
        amountWei: tester.unbondingWei,
        releaseBlock: tester.releaseBlock,
      });
    }
    for (const { number } of await list(TABLES.workersOf, { prefix: `${keys.account(account)}/`, limit: PAGE })) {
      const worker = await get(TABLES.workers, keys.number(number));
      if (worker === undefined) continue;
      const { workerId: id, unbondingWei: amountWei, releaseBlock } = worker;
      stakes.push({ from: "worker", id, amountWei, releaseBlock });
    }
    return stakes.filter(({ amountWei }) => amountWei > 0n);
  }

  async function creditsOf(account: string): Promise<CreditRow[]> {
    const prefix = `${keys.account(account)}/`;
    const credits: CreditRow[] = [];
    for (;;) {
      const last = credits.at(-1);
      const after = last === undefined ? {} : { after: keys.ofAccount(account, last.number) };
      const page = await list(TABLES.credits, { prefix, ...after, limit: PAGE });
      credits.push(...page);
      if (page.length < PAGE) return credits;
    }
  }

  async function* statement(account: string): AsyncGenerator<readonly LineRow[], void, undefined> {
    const { block, reorgs } = await asOf();
    for (let line = 0; ; line += PAGE) {
      const page = await list(TABLES.lines, upwards(`${keys.account(account)}/`, { from: line, limit: PAGE }));
      // Lines are only ever added, unless blocks are taken back.
      if ((await asOf()).reorgs !== reorgs) {
        throw new SprfError("INDEX_MOVED", "blocks were replaced while the statement was read");
      }
      const settled = page.filter((each) => each.block <= block);
      if (settled.length > 0) yield settled;
      if (settled.length < PAGE) return;
    }
  }

  return {
    asOf,
    async workers(options) {
      const { constants } = await asOf();
      return (await list(TABLES.workers, upwards("", options))).map((row) => withRates(row, constants));
    },
    async worker(workerId) {
      const { constants } = await asOf();
      const row = await get(TABLES.workers, keys.number(workerId));
      return row === undefined ? undefined : withRates(row, constants);
    },
    history: async (workerId, options) => await list(TABLES.history, downwards(`${keys.number(workerId)}/`, options)),
    async agreements({ workerId, client, ...page } = {}) {
      await asOf();
      if (workerId === undefined && client === undefined) return await list(TABLES.agreements, downwards("", page));
      const references =
        client === undefined
          ? await list(TABLES.agreementsOfWorker, downwards(`${keys.number(workerId ?? 0)}/`, page))
          : await list(TABLES.agreementsOfClient, downwards(`${keys.account(client)}/`, page));
      const rows = await Promise.all(
        references.map(async ({ number }) => await get(TABLES.agreements, keys.number(number))),
      );
      return rows.filter((row) => row !== undefined);
    },
    agreement: async (number) => await get(TABLES.agreements, keys.number(number)),
    epochs: async (number, options) => await list(TABLES.epochs, upwards(`${keys.number(number)}/`, options)),
    testers: async (options) => await list(TABLES.testers, upwards("", options)),
    async agreementAt(address) {
      const reference = await get(TABLES.agreementAt, keys.account(address));
      return reference === undefined ? undefined : await get(TABLES.agreements, keys.number(reference.number));
    },
    tester: async (testerId) => await get(TABLES.testers, keys.number(testerId)),
    async account(account) {
      const key = keys.account(account);
      const [twin, tester, row] = await Promise.all([
        get(TABLES.twinOf, key),
        get(TABLES.testerOf, key),
        get(TABLES.accounts, key),
      ]);
      return {
        ...(twin === undefined ? {} : { twinId: twin.id }),
        ...(tester === undefined ? {} : { testerId: tester.id }),
        lines: row?.lines ?? 0,
      };
    },
    latestLines: async (account, options) => await list(TABLES.lines, downwards(`${keys.account(account)}/`, options)),
    accountOf: async (twinId) => (await get(TABLES.twins, keys.number(twinId)))?.account,
    async due(account) {
      const { block } = await asOf();
      const [credits, stakes, bond, testerId] = await Promise.all([
        creditsOf(account),
        stakesOf(account),
        get(TABLES.bondCredits, keys.account(account)),
        get(TABLES.testerOf, keys.account(account)),
      ]);
      const tester = testerId === undefined ? undefined : await get(TABLES.testers, keys.number(testerId.id));
      const feesWei = tester?.creditWei ?? 0n;
      const bondsWei = bond?.amountWei ?? 0n;
      const released = stakes.filter(({ releaseBlock }) => releaseBlock <= block + 1);
      const nowWei = [...credits, ...released].reduce((sum, { amountWei }) => sum + amountWei, feesWei + bondsWei);
      return { account, credits, feesWei, bondsWei, stakes, nowWei };
    },
    statement,
  };
}

function withRates(row: WorkerRow, constants: Cursor["constants"]): IndexedWorker {
  return { ...row, reputation: reputationOf(row, constants), uptime: uptimeOf(row) };
}
