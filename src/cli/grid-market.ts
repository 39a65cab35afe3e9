import { writeFile } from "node:fs/promises";

import type { Command } from "commander";
import { readNodeConsent } from "../config/node-consent-file.ts";
import { SprfError } from "../errors.ts";
import type { GridResources } from "../ports/grid-registry.ts";
import { toHex } from "../utils/bytes.ts";
import { parseBytes } from "../wire/grid/file/units.ts";
import { gridCommand, idOf, withGridOnChain, type GridOptions } from "./grid-session.ts";
import { printJson, printNodes } from "./grid-views.ts";
import { formatRows } from "./text-table.ts";

const SECONDS_PER_DAY = 86_400;
const MS_PER_SECOND = 1_000;
/** IPs that one look at a farm shows. */
const SHOWN_IPS = 100;

interface ResourceOptions {
  readonly cores: string;
  readonly memory: string;
  readonly ssd: string;
  readonly hdd: string;
}

/** Commands about farms. */
export function addFarmCommands(grid: Command): void {
  const farm = grid.command("farm").description("Farms: their public IPs, prices and nodes.");
  gridCommand(farm, "create <name>", "Makes a farm of this account.")
    .option("--policy <id>", "the pricing policy that it sells by", "1")
    .option("--payout <address>", "who may take out its revenue (default: this account)")
    .action(async (name: string, options: GridOptions & { readonly policy: string; readonly payout?: string }) => {
      await withGridOnChain(options, async (session, signal) => {
        await session.ensureTwin({ signal });
        const terms = { name, pricingPolicyId: idOf("--policy", options.policy) };
        const payoutAddress = options.payout ?? session.account;
        const farmId = await session.registry.createFarm({ ...terms, payoutAddress }, { signal });
        say(options, { farmId }, `farm ${farmId}`);
      });
    });
  gridCommand(farm, "list", "All farms.").action(async (options: GridOptions) => {
    await withGridOnChain(options, async (session, signal) => {
      const farms = await session.listFarms({ signal });
      if (options.json) return printJson({ farms });
      const rows = farms.map((each) => [
        String(each.farmId),
        each.name,
        String(each.pricingPolicyId),
        `${each.freePublicIps}/${each.publicIps}`,
        each.owner,
      ]);
      console.log(formatRows(["farm", "name", "policy", "free IPs", "owner"], rows));
    });
  });
  gridCommand(farm, "show <farm>", "One farm and its public IPs.").action(async (id: string, options: GridOptions) => {
    await withGridOnChain(options, async ({ registry }, signal) => {
      const farmId = idOf("farm", id);
      const found = await registry.farm(farmId, { signal });
      if (found === undefined) throw new SprfError("INVALID_INPUT", `there is no farm ${farmId}`);
      const publicIps = await registry.publicIps(farmId, 0, SHOWN_IPS, { signal });
      if (options.json) return printJson({ farm: found, publicIps });
      console.log(`farm ${farmId}, ${found.name}, of ${found.owner}, sells by policy ${found.pricingPolicyId}\n`);
      const rows = publicIps.map(({ ip, prefix, gateway, contractId }) => [
        `${ip}/${prefix}`,
        gateway,
        contractId === undefined ? "free" : `contract ${contractId}`,
      ]);
      console.log(formatRows(["public IP", "gateway", "reserved for"], rows));
    });
  });
  gridCommand(farm, "add-ip <farm> <ip/prefix> <gateway>", "Gives a farm a public IP.").action(
    async (id: string, cidr: string, gateway: string, options: GridOptions) => {
      await withGridOnChain(options, async ({ registry }, signal) => {
        const [ip = "", bits = "", ...rest] = cidr.split("/");
        if (rest.length > 0) throw new SprfError("INVALID_INPUT", "expected an IP such as 192.0.2.7/24");
        await registry.addPublicIp(idOf("farm", id), { ip, gateway, prefix: idOf("prefix", bits) }, { signal });
        say(options, { ip }, `${ip} added`);
      });
    },
  );
  gridCommand(farm, "remove-ip <farm> <ip>", "Takes a public IP away that nobody has reserved.").action(
    async (id: string, ip: string, options: GridOptions) => {
      await withGridOnChain(options, async ({ registry }, signal) => {
        await registry.removePublicIp(idOf("farm", id), ip, { signal });
        say(options, { ip }, `${ip} removed`);
      });
    },
  );
  gridCommand(farm, "policy <farm> <policy>", "Sells by another pricing policy, from the next interval on.").action(
    async (id: string, policy: string, options: GridOptions) => {
      await withGridOnChain(options, async ({ registry }, signal) => {
        await registry.setPricingPolicy(idOf("farm", id), idOf("policy", policy), { signal });
        say(options, { policy }, `farm ${id} turns to policy ${policy}`);
      });
    },
  );
  withResources(
    gridCommand(farm, "consent <farm> <account>", "Lets the node of an account join, and writes a file for it."),
  )
    .option("--days <number>", "for how long the consent counts", "7")
    .requiredOption("--out <path>", "where it is written")
    .action(
      async (id: string, account: string, options: GridOptions & ResourceOptions & { days: string; out: string }) => {
        await withGridOnChain(options, async (session, signal) => {
          const farmId = idOf("farm", id);
          const resources = resourcesOf(options);
          const twin = await session.twinOf(account, { signal });
          if (twin === undefined) throw new SprfError("NOT_REGISTERED", `the account ${account} has no twin`);
          const deadlineSeconds =
            Math.floor(Date.now() / MS_PER_SECOND) + idOf("--days", options.days) * SECONDS_PER_DAY;
          const { signature } = await session.registry.consentToNode(
            { farmId, twinId: twin.id, nodeAccount: account, resources, deadlineSeconds },
            { signal },
          );
          const { cruCores, sruBytes, hruBytes, mruBytes } = resources;
          const consent = {
            farmId,
            deadlineSeconds,
            signature: `0x${toHex(signature)}`,
            resources: { cruCores, sruBytes: `${sruBytes}`, hruBytes: `${hruBytes}`, mruBytes: `${mruBytes}` },
          };
          await writeFile(options.out, `${JSON.stringify(consent, undefined, 2)}\n`);
          say(
            options,
            { consent },
            `written to ${options.out}: for \`npx sprf worker --node --consent\` of ${account}`,
          );
        });
      },
    );
}

/** Commands about nodes, below `sprf grid node` and `sprf node`. */
export function addNodeCommands(node: Command): void {
  gridCommand(node, "list", "Nodes with what is free on them.")
    .option("--country <code>", "only there")
    .option("--free-ips <number>", "only in farms with so many free public IPs")
    .action(async (options: GridOptions & { readonly country?: string; readonly freeIps?: string }) => {
      await withGridOnChain(options, async (session, signal) => {
        const least = options.freeIps === undefined ? 0 : idOf("--free-ips", options.freeIps);
        const offers = (await session.listNodes({ signal })).filter(
          ({ node: { location }, freePublicIps }) =>
            freePublicIps >= least && (options.country === undefined || location.country === options.country),
        );
        if (options.json) printJson({ nodes: offers });
        else printNodes(offers);
      });
    });
  gridCommand(node, "show <node>", "One node.").action(async (id: string, options: GridOptions) => {
    await withGridOnChain(options, async (session, signal) => {
      const offer = await session.findNode(idOf("node", id), { signal });
      if (offer === undefined) throw new SprfError("INVALID_INPUT", `there is no node ${id}`);
      if (options.json) printJson({ node: offer });
      else printNodes([offer]);
    });
  });
  gridCommand(node, "register", "Makes this account's machine a node of the farm that consented.")
    .requiredOption("--consent <file>", "from the farm's owner: `npx sprf grid farm consent`")
    .requiredOption("--country <code>", "where it stands: two letters")
    .option("--city <name>", "and in which city", "")
    .option("--latitude <degrees>", "north is positive", "0")
    .option("--longitude <degrees>", "east is positive", "0")
    .action(
      async (options: GridOptions & Record<"consent" | "country" | "city" | "latitude" | "longitude", string>) => {
        await withGridOnChain(options, async (session, signal) => {
          const { farmId, resources, ...consent } = await readNodeConsent(options.consent);
          if (resources === undefined) {
            throw new SprfError("INVALID_INPUT", `--consent: ${options.consent} does not say what the node may have`);
          }
          await session.ensureTwin({ signal });
          const nodeId = await session.registry.createNode(
            {
              farmId,
              resources,
              location: {
                country: options.country,
                city: options.city,
                latitude: degreesOf("--latitude", options.latitude),
                longitude: degreesOf("--longitude", options.longitude),
              },
              consent,
            },
            { signal },
          );
          say(options, { nodeId }, `node ${nodeId}`);
        });
      },
    );
  gridCommand(node, "standby <node>", "Takes no new contracts; those that are there go on.")
    .option("--up", "takes them again", false)
    .action(async (id: string, options: GridOptions & { readonly up: boolean }) => {
      await withGridOnChain(options, async ({ registry }, signal) => {
        const status = options.up ? "up" : "standby";
        await registry.setNodeStatus(idOf("node", id), status, { signal });
        say(options, { status }, `node ${id} is ${status === "up" ? "up" : "on standby"}`);
      });
    });
  gridCommand(node, "delete <node>", "Ends a node and, with the present interval, all contracts on it.").action(
    async (id: string, options: GridOptions) => {
      await withGridOnChain(options, async ({ registry }, signal) => {
        const retiresAt = await registry.deleteNode(idOf("node", id), { signal });
        const when = new Date(retiresAt * MS_PER_SECOND).toISOString();
        say(options, { retiresAt }, `node ${id} retires at ${when}`);
      });
    },
  );
}

function say(options: GridOptions, values: object, text: string): void {
  if (options.json) printJson(values);
  else console.log(text);
}

function withResources(command: Command): Command {
  return command
    .requiredOption("--cores <number>", "at most")
    .requiredOption("--memory <size>", "such as 16GiB")
    .option("--ssd <size>", "such as 500GiB", "0")
    .option("--hdd <size>", "such as 2TiB", "0");
}

function resourcesOf({ cores, memory, ssd, hdd }: ResourceOptions): GridResources {
  return {
    cruCores: idOf("--cores", cores),
    mruBytes: sizeOf("--memory", memory),
    sruBytes: sizeOf("--ssd", ssd),
    hruBytes: sizeOf("--hdd", hdd),
  };
}

function sizeOf(name: string, text: string): bigint {
  const bytes = parseBytes(text);
  if (bytes !== undefined) return bytes;
  throw new SprfError("INVALID_INPUT", `${name}: expected a size such as 512M or 10GiB, got ${JSON.stringify(text)}`);
}

function degreesOf(name: string, text: string): number {
  if (/^-?\d{1,3}(\.\d{1,6})?$/.test(text)) return Number(text);
  throw new SprfError("INVALID_INPUT", `${name}: expected degrees such as -12.5, got ${JSON.stringify(text)}`);
}
