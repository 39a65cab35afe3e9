import { id, Wallet } from "ethers"; import { network } from "hardhat";
import { deployGrid, GIB, HOUR, makeGridTwin, makeNode } from "../test/contracts/helpers/grid.ts";
const each = process.argv[2] === "each";
const { ethers, networkHelpers } = await network.create();
const grid = await deployGrid(ethers, networkHelpers, { balance: 10n ** 20n });
const mk = async (i: number) => { const { address } = new Wallet(id(`user ${i}`)); await ethers.provider.send("hardhat_setBalance", [address, "0x8ac7230489e80000"]); const u = await ethers.getImpersonatedSigner(address); await makeGridTwin(grid, u as never); await grid.contracts.connect(u).deposit({ value: 10n ** 18n }); return u; };
const m = await mk(-1);
const nodeId = await makeNode(grid, m as never, 1n, { cru: 1_000n, sru: 100_000n * GIB, hru: 100_000n * GIB, mru: 10_000n * GIB });
const SMALL = { resources: { cru: 1n, sru: 10n * GIB, hru: 0n, mru: 2n * GIB }, nruPerHour: 10n ** 9n };
const c = grid.contracts.connect(m);
const ids: bigint[] = [];
for (let i = 0; i < 3; i++) { const u = each ? await mk(i) : grid.user; await grid.contracts.connect(u).createContract(nodeId, id(`${i}`), "0x", 0n, SMALL); ids.push(await c.contractCount()); await c.confirmDeployment(ids[i]!); }
let h = 0n; let hash = "";
for (let r = 0; r < 3; r++) { h += 1n; await grid.at(h * HOUR + 1000n); const tx = await c.addReports(nodeId, ids.map((contractId) => ({ contractId, timestamp: grid.start + h * HOUR + 900n, ...SMALL.resources, nru: 0n }))); hash = tx.hash; console.log((await tx.wait())!.gasUsed); }
const t = await ethers.provider.send("debug_traceTransaction", [hash, { disableStorage: true, disableMemory: true, disableStack: false }]);
const by: Record<string, [number, number]> = {}; let total = 0;
// between successive LOG3/LOG2 events of items: take span between last two SLOADs groups
const logs = t.structLogs; const marks = logs.map((l: any, i: number) => [l.op, i]).filter(([op]: any) => op.startsWith("LOG")).map(([, i]: any) => i);
console.log("logs at", marks, "steps", logs.length);
const [a, b] = [marks.at(-3), marks.at(-2)];
for (let i = a + 1; i <= b; i++) { const l = logs[i]; let g = l.gasCost; if (/CALL/.test(l.op)) g = 0; by[l.op] ??= [0, 0]; by[l.op][0] += g; by[l.op][1]++; total += g; }
console.log("span", total, Object.entries(by).sort((x, y) => y[1][0] - x[1][0]).slice(0, 25).map(([k, v]) => `${k}:${v[0]}/${v[1]}`).join(" "));
