import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

import { messageOf } from "../../src/errors.ts";

/** Of what a run of the tests makes: the grid's firewall is for interfaces that begin with its own name. */
const PREFIX = "rn";
/** 10.64.0.0 to 10.127.255.0, by their 256 addresses. */
const NETWORKS = 64 * 256;
const exec = promisify(execFile);
let made = 0;

/** A network of this machine alone: a bridge, at whose address what is here can be reached, and namespaces that are plugged into it. */
export interface TestNetwork {
  /** Of this machine on the bridge. */
  readonly host: string;
  /** All that is on the bridge. */
  readonly subnet: string;
  /** One more machine, as it were. */
  add(): Promise<Namespace>;
  /** Ends what runs in the namespaces, and removes all. */
  remove(): Promise<void>;
}

export interface Namespace {
  /** What to put before a command so that it runs in there. */
  readonly command: readonly string[];
  /** Pulls the plug: packets are lost, and connections hear nothing of it. */
  cut(): Promise<void>;
  /** Puts it back. */
  mend(): Promise<void>;
  /** Lets through so much, in both directions. */
  slow(kbitPerSecond: number): Promise<void>;
  /** Lets everything through again. */
  hasten(): Promise<void>;
}

/** Why no namespaces can be made here, or undefined when they can. */
export async function namespacesAbsence(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "this is not root";
  try {
    const network = await createTestNetwork();
    try {
      const one = await network.add();
      await one.slow(1_000);
    } finally {
      await network.remove();
    }
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Makes a network, after it has removed what tests left that were killed. */
export async function createTestNetwork(): Promise<TestNetwork> {
  await removeOld();
  const own = `${process.pid}x${made++}`;
  const bridge = `${PREFIX}b${own}`;
  const net = await freeNetwork();
  const names: string[] = [];
  await ip("link", "add", bridge, "type", "bridge");
  await ip("addr", "add", `${net}.1/24`, "dev", bridge);
  await ip("link", "set", bridge, "up");

  return {
    host: `${net}.1`,
    subnet: `${net}.0/24`,
    async add() {
      const n = names.length;
      const name = `${PREFIX}${own}n${n}`;
      const outside = `${PREFIX}v${own}n${n}`;
      names.push(name);
      await ip("netns", "add", name);
      await ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", name);
      await ip("link", "set", outside, "master", bridge);
      await ip("link", "set", outside, "up");
      for (const words of [
        ["link", "set", "lo", "up"],
        ["addr", "add", `${net}.${n + 2}/24`, "dev", "eth0"],
        ["link", "set", "eth0", "up"],
      ]) {
        await ip("-n", name, ...words);
      }
      const ends = [
        ["dev", outside],
        ["-n", name, "dev", "eth0"],
      ];
      const queue = async (verb: string, ...words: readonly string[]): Promise<void> => {
        for (const end of ends) {
          const [dev, where] = [end.slice(-2), end.slice(0, -2)];
          await exec("tc", [...where, "qdisc", verb, ...dev, "root", ...words]);
        }
      };
      return {
        command: ["ip", "netns", "exec", name],
        cut: async () => await ip("link", "set", outside, "down"),
        mend: async () => await ip("link", "set", outside, "up"),
        slow: async (kbit) => await queue("replace", "tbf", "rate", `${kbit}kbit`, "burst", "4kb", "latency", "500ms"),
        hasten: async () => await queue("replace", "pfifo_fast"),
      };
    },
    async remove() {
      for (const name of names.splice(0)) await removeNamespace(name);
      await ip("link", "del", bridge);
    },
  };
}

async function ip(...words: readonly string[]): Promise<void> {
  await exec("ip", words);
}

/** At once: the system ends a namespace when it comes to it, and the wire to it with it. */
async function removeNamespace(name: string): Promise<void> {
  const { stdout } = await exec("ip", ["netns", "pids", name]);
  for (const pid of stdout.split("\n").filter((line) => line !== "")) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
  await ip("link", "del", name.replace(PREFIX, `${PREFIX}v`)).catch(() => undefined);
  await ip("netns", "del", name);
}

/** What belongs to processes that are gone. Others that test here at the same time may do the same, and be first. */
async function removeOld(): Promise<void> {
  const isOld = (name: string, kind: string): boolean => {
    const pid = new RegExp(`^${PREFIX}${kind}(\\d+)x\\d`).exec(name)?.[1];
    return pid !== undefined && !isRunning(pid);
  };
  const named = async (...words: readonly string[]): Promise<string[]> => {
    const { stdout } = await exec("ip", words);
    return stdout.split("\n").map((line) => line.split(" ")[0] ?? "");
  };
  for (const name of await named("netns", "list")) {
    if (isOld(name, "")) await removeNamespace(name).catch(() => undefined);
  }
  for (const name of await named("-br", "link", "show", "type", "bridge")) {
    if (isOld(name, "b")) await ip("link", "del", name).catch(() => undefined);
  }
}

/** What was killed stays in the list until somebody asks how it ended, without a command line. */
function isRunning(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`).length > 0;
  } catch {
    return false;
  }
}

/** The first three numbers of a network to which nothing of this machine leads but the way to everywhere. */
async function freeNetwork(): Promise<string> {
  for (let n = process.pid; ; n++) {
    const net = `10.${64 + (Math.floor(n / 256) % (NETWORKS / 256))}.${n % 256}`;
    const { stdout } = await exec("ip", ["route", "get", `${net}.1`]).catch(() => ({ stdout: " via " }));
    if (stdout.includes(" via ")) return net;
  }
}
