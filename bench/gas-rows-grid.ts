import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { type ContractTransactionResponse, id, Wallet } from "ethers";
import { network } from "hardhat";

import { INTERVAL, makeGridTwin, makeNode } from "../test/contracts/helpers/grid-registry.ts";
import { BALANCE, consumed, deployGrid, type Grid, LIMITS } from "../test/contracts/helpers/grid.ts";
import type { ReportRow } from "./report.ts";

/**
 * An item of a batch of a hundred. Slots and the event make 11,000 of it for one user. Another user's stream has two slots more, which
 * cost 10,000 when they are written: in the first report of an interval, which makes the rate lapse later, and whenever a rate
 * changes or traffic is paid. Such items are not held to the target.
 */
const ITEM_TARGET = 30_000;
const BATCHES = [1, 10, 100];
const DATA = new Uint8Array(512).fill(7);
const GIB = 2n ** 30n;
const BIG = { cru: 1_000n, sru: 10_000n * GIB, hru: 10_000n * GIB, mru: 1_000n * GIB };
const SMALL = { resources: { cru: 1n, sru: 10n * GIB, hru: 0n, mru: 2n * GIB }, nruPerHour: 10n ** 9n };

/** Nodes report three times an interval. */
const WITHIN_INTERVAL = INTERVAL / 3n;
/** Less than the limit allows in that time. */
const TRAFFIC_BYTES = 10n ** 8n;

type Sent = Promise<ContractTransactionResponse>;

/** Gas of what users and nodes of the grid do, each transaction whole, measured on chains made for it. */
export async function measureGridGas(): Promise<ReportRow[]> {
  return [
    ...(await measureContracts()),
    ...(await measureBatches("one user", ({ user }) => Promise.resolve(user))),
    ...(await measureBatches("a user each", makeUser)),
  ];
}

async function gasOf(sent: Sent): Promise<number> {
  const receipt = await (await sent).wait();
  if (receipt === null) throw new Error("a transaction was not mined");
  return Number(receipt.gasUsed);
}

function row(name: string, value: number, target?: number): ReportRow {
  return target === undefined
    ? { name, value, unit: "gas" }
    : { name, value, unit: "gas", target, met: value <= target };
}

async function newGrid(): Promise<Grid> {
  const { ethers, networkHelpers } = await network.create();
  return await deployGrid(ethers, networkHelpers);
}

async function measureContracts(): Promise<ReportRow[]> {
  const grid = await newGrid();
  const { contracts } = grid;
  const own = contracts.connect(grid.user);
  const asNode = contracts.connect(grid.node);
  const rows: ReportRow[] = [];
  // A block every ten seconds, so that no interval begins in between.
  let second = 0n;
  const measure = async (name: string, send: () => Sent): Promise<void> => {
    await grid.at((second += 10n));
    rows.push(row(`GridContracts.${name}`, await gasOf(send())));
  };
  // Users and nodes have done everything before.
  await grid.at((second += 10n));
  await own.createContract(1n, id("first"), DATA, 1n, LIMITS);
  await grid.at((second += 10n));
  await own.createNameContract("first");
  await measure("deposit", () => own.deposit({ value: 1n }));
  await measure("withdraw", () => own.withdraw(1n));
  await measure("createContract, 512 bytes", () => own.createContract(1n, id("a"), DATA, 0n, LIMITS));
  await measure("createContract, 512 bytes and 1 public IP", () => own.createContract(1n, id("b"), DATA, 1n, LIMITS));
  await measure("confirmDeployment", () => asNode.confirmDeployment(3n));
  await measure("updateContract, 512 bytes", () => own.updateContract(3n, DATA, id("c")));
  await measure("createNameContract", () => own.createNameContract("second"));
  await measure("cancelContract", () => own.cancelContract(3n));
  await measure("cancelContract, 1 public IP", () => own.cancelContract(4n));
  await measure("cancelContract, a name", () => own.cancelContract(5n));
  await grid.at((second += 10n));
  await own.cancelContract(1n);
  await measure("createRentContract", () => own.createRentContract(1n));
  await measure("withdrawRevenue", () => contracts.withdrawRevenue(1n));
  return rows;
}

/** Reports of 1, 10 and 100 contracts that were all reported in the interval before, and settlements of their user. */
async function measureBatches(
  whose: string,
  userOf: (grid: Grid, label: string) => Promise<HardhatEthersSigner>,
): Promise<ReportRow[]> {
  const grid = await newGrid();
  const machine = await makeUser(grid, "machine");
  const nodeId = await makeNode(grid, grid.farmer, machine, 1n, BIG);
  const contracts = grid.contracts.connect(machine);
  const ids: bigint[] = [];
  const rows: ReportRow[] = [];
  let second = 0n;
  const reportAll = async (seconds: bigint, nru = 0n): Promise<number> => {
    second += seconds;
    const items = ids.map((contractId) => consumed(grid, second, contractId, { ...SMALL.resources, nru }));
    await grid.at(second);
    return await gasOf(contracts.addReports(nodeId, items));
  };
  for (const size of BATCHES) {
    while (ids.length < size) {
      const user = await userOf(grid, `user ${ids.length}`);
      await grid.at((second += 10n));
      await grid.contracts.connect(user).createContract(nodeId, id(`${ids.length}`), "0x", 0n, SMALL);
      ids.push(await contracts.contractCount());
      await grid.at((second += 10n));
      await contracts.confirmDeployment(ids.at(-1) ?? 0n);
    }
    second = (second / INTERVAL) * INTERVAL + 1_000n;
    await reportAll(INTERVAL);
    await reportAll(INTERVAL);
    const measure = async (name: string, isHeld: boolean, seconds: bigint, nru = 0n): Promise<void> => {
      const each = Math.round((await reportAll(seconds, nru)) / size);
      rows.push(
        row(`addReports, ${size} of ${whose}, ${name}an item`, each, isHeld && size === 100 ? ITEM_TARGET : undefined),
      );
    };
    const isOne = whose === "one user";
    await measure("first of the interval, ", isOne, INTERVAL);
    await measure("again in the interval, ", true, WITHIN_INTERVAL);
    await measure("again in the interval, with traffic, ", isOne, WITHIN_INTERVAL, TRAFFIC_BYTES);
    await measure("first of the interval, with traffic, ", isOne, INTERVAL, TRAFFIC_BYTES);
    if (!isOne) continue;
    await grid.at((second += INTERVAL));
    rows.push(row(`settleUser, ${size} contracts, an interval`, await gasOf(contracts.settleUser(grid.userId))));
    await grid.at((second += 10n * INTERVAL));
    rows.push(row(`settleUser, ${size} contracts, ten intervals`, await gasOf(contracts.settleUser(grid.userId))));
  }
  return rows;
}

/** A twin with a balance, of a key that follows from a label. */
async function makeUser(grid: Grid, label: string): Promise<HardhatEthersSigner> {
  const { address } = new Wallet(id(label));
  await grid.ethers.provider.send("hardhat_setBalance", [address, `0x${(10n * BALANCE).toString(16)}`]);
  const user = await grid.ethers.getImpersonatedSigner(address);
  await makeGridTwin(grid.twins, user);
  await grid.contracts.connect(user).deposit({ value: BALANCE });
  return user;
}
