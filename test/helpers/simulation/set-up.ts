import { Keypair } from "@stellar/stellar-sdk";

import { createProgram } from "../../../src/client/create-program.ts";
import type { ExecuteComponents } from "../../../src/client/execute.ts";
import { walletOf, type Wallet } from "../../../src/client/wallet.ts";
import { readContent } from "../../../src/execution/read-content.ts";
import type { ContentStore } from "../../../src/ports/content-store.ts";
import { MAX_RECORD_BYTES } from "../../../src/wire/record.ts";
import { MODULE } from "../smart-accounts.ts";
import type { Fleet } from "./fleet.ts";
import { simulatedWorkerApi } from "./network.ts";
import type { SimulatedOwnerInit } from "./owner.ts";
import { GAS_PRICE_STROOPS, userName } from "./plan.ts";
import type { SimulatedUserInit, Task } from "./user.ts";
import type { World } from "./world.ts";

const SEED_BYTES = 32;

/** Who and what there is before anything goes wrong. */
export interface Setting {
  /** Smart accounts. */
  readonly programs: readonly string[];
  /** By the programs' numbers. */
  readonly owners: readonly SimulatedOwnerInit[];
  readonly users: readonly (SimulatedUserInit & { readonly components: ExecuteComponents })[];
}

/** Makes the programs and the funded accounts of their users. */
export async function setUp(world: World, fleet: Fleet, content: ContentStore): Promise<Setting> {
  const { plan, ledger, clock } = world;
  const random = world.bytes();
  const { workers } = fleet;
  const spare = workers.at(-1);
  const named = workers.slice(0, plan.workers);
  // They pay the fees of batches, refunds and payouts.
  for (const { ledgerKey } of workers) await ledger.fund(ledgerKey.publicKey());

  async function wallet(): Promise<Wallet> {
    const made = walletOf(Keypair.fromRawEd25519Seed(Buffer.from(random.bytes(SEED_BYTES))));
    await ledger.fund(made.account);
    return made;
  }

  const programs: string[] = [];
  const owners: SimulatedOwnerInit[] = [];
  while (programs.length < plan.programs) {
    const owner = await wallet();
    const name = `owner ${programs.length + 1}`;
    const { program, recordCid } = await createProgram(
      { ledger: ledger.port, content, clock, random },
      {
        wallet: owner,
        terms: {
          program: { kind: "wasi", cid: MODULE },
          owner: owner.account,
          baseFeeStroops: plan.baseFeeStroops,
          gasPriceStroops: GAS_PRICE_STROOPS,
          workers: named.map(({ url, ledgerKey }) => ({ address: url, ledgerKey: ledgerKey.publicKey() })),
        },
      },
    );
    owners.push({
      program,
      wallet: owner,
      spare: { address: spare?.url ?? "", ledgerKey: spare?.ledgerKey.publicKey() ?? "" },
      changes: plan.changes.filter((change) => change.program === programs.length),
      components: {
        clock,
        ledger: world.linkTo(name),
        workerApi: simulatedWorkerApi(fleet.endpoints, world.faults),
        content,
      },
      note: (what) => world.trace.event(name, what),
    });
    programs.push(program);
    // Nobody asks its maker's machine, so its workers have what it begins with.
    const record = await readContent(content, recordCid, { maxBytes: MAX_RECORD_BYTES });
    for (const worker of workers) {
      await worker.content.putRecord(record);
      await worker.content.putFile(new Uint8Array());
    }
  }

  const users: Setting["users"][number][] = [];
  for (const [i, { kills, tasks }] of plan.users.entries()) {
    const name = userName(i);
    users.push({
      name,
      kills,
      clock,
      wallet: await wallet(),
      random: world.fork(),
      components: {
        clock,
        ledger: world.linkTo(name),
        workerApi: simulatedWorkerApi(fleet.endpoints, world.faults),
        random: world.bytes(),
        content,
      },
      tasks: tasks.map(({ program, ...task }): Task => ({ program: programs[program] ?? "", ...task })),
      note: (what) => world.trace.event(name, what),
    });
  }
  fleet.serve(programs);
  return { programs, owners, users };
}
