import type { Command } from "commander";

import { weiPerHourOfCost } from "../domain/grid/money.ts";
import { SprfError } from "../errors.ts";
import { confirm } from "./confirm.ts";
import { gridCommand, idOf, weiOf, withGridOnChain, type GridOptions } from "./grid-session.ts";
import { printBill, printJson, usdOf } from "./grid-views.ts";
import { etherOf, formatRows } from "./text-table.ts";

const HOUR_SECONDS = 3_600;

/** Commands about a user's money, and about what is bought without a deployment. */
export function addMoneyCommands(grid: Command): void {
  gridCommand(grid, "deposit <ether>", "Adds to the balance that all contracts are paid from.").action(
    async (ether: string, options: GridOptions) => {
      await withGridOnChain(options, async (session, signal) => {
        const wei = weiOf("ether", ether);
        if (!options.json) console.log(formatRows(["cost", ""], [["you deposit", `${etherOf(wei)} ether`]]));
        await confirm(options, signal);
        await session.ensureTwin({ signal });
        const balanceWei = await session.deposit(wei, { signal });
        if (options.json) printJson({ balanceWei });
        else console.log(`balance: ${etherOf(balanceWei)} ether`);
      });
    },
  );
  gridCommand(grid, "withdraw <ether>", "Takes out of the balance.").action(
    async (ether: string, options: GridOptions) => {
      await withGridOnChain(options, async (session, signal) => {
        const balanceWei = await session.withdraw(weiOf("ether", ether), { signal });
        if (options.json) printJson({ balanceWei });
        else console.log(`balance: ${etherOf(balanceWei)} ether`);
      });
    },
  );
  gridCommand(grid, "bill", "What each contract cost and costs, and until when the balance lasts.").action(
    async (options: GridOptions) => {
      await withGridOnChain(options, async (session, signal) => {
        const bill = await session.bill({ signal });
        if (options.json) printJson(bill);
        else printBill(bill);
      });
    },
  );
  gridCommand(grid, "rent <node>", "Rents a whole node: deployments on it then pay for IPs and traffic alone.").action(
    async (id: string, options: GridOptions) => {
      await withGridOnChain(options, async (session, signal) => {
        const nodeId = idOf("node", id);
        const offer = await session.findNode(nodeId, { signal });
        if (offer === undefined) throw new SprfError("NO_NODE", `there is no node ${nodeId}`);
        const { pricingPolicyId: policy, node } = offer;
        if (policy === 0) throw new SprfError("NO_NODE", `the farm of node ${nodeId} sells nothing`);
        const [cost, price] = await Promise.all([
          session.quotes.rentCost(policy, node.resources, HOUR_SECONDS, { signal }),
          session.quotes.etherPrice({ signal }),
        ]);
        showCost(options, cost, weiPerHourOfCost(cost, 0, price));
        await confirm(options, signal);
        await session.ensureTwin({ signal });
        const contractId = await session.rent(nodeId, { signal });
        if (options.json) printJson({ contractId });
        else console.log(`contract ${contractId} rents node ${nodeId}`);
      });
    },
  );
  gridCommand(grid, "name <label>", "Takes a name that nobody else has.").action(
    async (label: string, options: GridOptions) => {
      await withGridOnChain(options, async (session, signal) => {
        const [cost, price] = await Promise.all([
          session.quotes.nameCost(HOUR_SECONDS, { signal }),
          session.quotes.etherPrice({ signal }),
        ]);
        showCost(options, cost, weiPerHourOfCost(cost, 0, price));
        await confirm(options, signal);
        await session.ensureTwin({ signal });
        const contractId = await session.takeName(label, { signal });
        if (options.json) printJson({ contractId });
        else console.log(`contract ${contractId} holds the name ${label}`);
      });
    },
  );
}

function showCost(options: GridOptions, cost: bigint, wei: bigint): void {
  if (options.json) printJson({ costPerHour: cost, weiPerHour: wei });
  else console.log(formatRows(["", "USD an hour", "ether an hour"], [["it costs", usdOf(cost), etherOf(wei)]]));
}
