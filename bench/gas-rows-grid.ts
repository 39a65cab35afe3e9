import type { NetworkHelpers } from "@nomicfoundation/hardhat-network-helpers/types";
import { type ContractTransactionResponse, id, type Signer, Wallet } from "ethers";
import { network } from "hardhat";

import {
  type Consumed,
  deployGrid,
  GIB,
  type Grid,
  HOUR,
  LIMITS,
  makeGridTwin,
  makeNode,
} from "../test/contracts/helpers/grid.ts";
import type { ReportRow } from "./report.ts";

/** An item of a batch of a hundred. */
const ITEM_TARGET = 30_000;
const BATCHES = [1, 10, 100];
/** More than any batch needs. */
const BIG = { cru: 1_000n, sru: 100_000n * GIB, hru: 100_000n * GIB, mru: 10_000n * GIB };
const SMALL = { resources: { cru: 1n, sru: 10n * GIB, hru: 0n, mru: 2n * GIB }, nruPerHour: 10n ** 9n };

type Sent = Promise<ContractTransactionResponse>;

async function gasOf(sent: Sent): Promise<number> {
  const receipt = await (await sent).wait();
  if (receipt === null) throw new Error("a transaction was not mined");
  return Number(receipt.gasUsed);
}

/** Gas of what users and nodes of the grid do, each transaction whole. */
export async function measureGridGas(): Promise<ReportRow[]> {
  return [
    ...(await measureContracts()),
    ...(await measureBatches("one user", async (grid) => await Promise.resolve(grid.user))),
    ...(await measureBatches("a user each", makeUser)),
  ];
}

async function newGrid(): Promise<{ grid: Grid; networkHelpers: NetworkHelpers }> {
  const { ethers, networkHelpers } = await network.create();
  return { grid: await deployGrid(ethers, networkHelpers, { balance: 100n * 10n ** 18n }), networkHelpers };
}

function row(name: string, value: number, target?: number): ReportRow {
  return target === undefined
    ? { name, value, unit: "gas" }
    : { name, value, unit: "gas", target, met: value <= target };
}

async function measureContracts(): Promise<ReportRow[]> {
  const { grid } = await newGrid();
  const { contracts, registry } = grid;
  const own = contracts.connect(grid.user);
  const asNode = contracts.connect(grid.node);
  const named = (name: string, value: number): ReportRow => row(`GridContracts.${name}`, value);
  const data = new Uint8Array(512).fill(7);
  // Users and nodes have done everything before.
  await own.createContract(1n, id("first"), data, 1n, LIMITS);
  await own.createNameContract("first");
  const rows = [
    named("deposit", await gasOf(own.deposit({ value: 1n }))),
    named("withdraw", await gasOf(own.withdraw(1n))),
    named("createContract, 512 bytes", await gasOf(own.createContract(1n, id("a"), data, 0n, LIMITS))),
    named("createContract, 512 bytes, 1 public IP", await gasOf(own.createContract(1n, id("b"), data, 1n, LIMITS))),
    named("confirmDeployment", await gasOf(asNode.confirmDeployment(3n))),
    named("updateContract, 512 bytes", await gasOf(own.updateContract(3n, data, id("c")))),
    named("createNameContract", await gasOf(own.createNameContract("second"))),
    named("cancelContract", await gasOf(own.cancelContract(3n))),
    named("cancelContract, 1 public IP", await gasOf(own.cancelContract(4n))),
    named("cancelContract, name", await gasOf(own.cancelContract(5n))),
  ];
  await registry.connect(grid.farmer).setPricingPolicy(1n, 1n);
  await own.cancelContract(1n);
  rows.push(named("createRentContract", await gasOf(own.createRentContract(1n))));
  rows.push(named("withdrawRevenue", await gasOf(contracts.withdrawRevenue(1n))));
  return rows;
}

/** Reports of 1, 10 and 100 contracts, in the interval after one in which all were reported; then settlements. */
async function measureBatches(whose: string, userOf: (grid: Grid, index: number) => Promise<Signer>): Promise<ReportRow[]> {
  const { grid } = await newGrid();
  const machine = await makeUser(grid, -1);
  const nodeId = await makeNode(grid, machine, 1n, BIG);
  const contracts = grid.contracts.connect(machine);
  const ids: bigint[] = [];
  const rows: ReportRow[] = [];
  let hour = 0n;
  const reportAll = async (traffic: bigint): Promise<number> => {
    hour += 1n;
    await grid.at(hour * HOUR + 1_000n);
    const timestamp = grid.start + hour * HOUR + 900n;
    const items = ids.map((contractId): Consumed => ({ contractId, timestamp, ...SMALL.resources, nru: traffic }));
    return await gasOf(contracts.addReports(nodeId, items));
  };
  for (const size of BATCHES) {
    for (let index = ids.length; index < size; index += 1) {
      const user = await userOf(grid, index);
      await grid.contracts.connect(user).createContract(nodeId, id(`${index}`), "0x", 0n, SMALL);
      ids.push(await contracts.contractCount());
      await contracts.confirmDeployment(ids.at(-1) ?? 0n);
    }
    await reportAll(0n);
    await reportAll(0n);
    const [quiet, busy] = [await reportAll(0n), await reportAll(5n * 10n ** 8n)];
    const target = size === 100 ? ITEM_TARGET : undefined;
    rows.push(row(`addReports, ${size} of ${whose}`, quiet));
    rows.push(row(`addReports, ${size} of ${whose}, an item`, Math.round(quiet / size), target));
    rows.push(row(`addReports, ${size} of ${whose}, with traffic, an item`, Math.round(busy / size), target));
    await grid.at((hour + 1n) * HOUR + 500n);
    const twinId = (await contracts.contractOf(ids[0] ?? 0n)).userTwinId;
    if (whose === "one user") {
      rows.push(row(`settleUser, ${size} contracts, one interval`, await gasOf(contracts.settleUser(twinId))));
      hour += 5n;
      await grid.at(hour * HOUR + 500n);
      rows.push(row(`settleUser, ${size} contracts, all intervals`, await gasOf(contracts.settleUser(twinId))));
    }
  }
  return rows;
}

async function makeUser(grid: Grid, index: number): Promise<Signer> {
  const { address } = new Wallet(id(`user ${index}`));
  await grid.ethers.provider.send("hardhat_setBalance", [address, `0x${(10n ** 19n).toString(16)}`]);
  const user = await grid.ethers.getImpersonatedSigner(address);
  const twinSigner = user as Signer;
  await makeGridTwin(grid, twinSigner);
  await grid.contracts.connect(user).deposit({ value: 10n ** 18n });
  return user;
}
