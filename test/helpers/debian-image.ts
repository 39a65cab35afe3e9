import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { messageOf } from "../../src/errors.ts";
import { dockerNetworkAbsence } from "./docker-workloads-fixture.ts";
import { pushImage, REGISTRY } from "./docker-programs.ts";

const run = promisify(execFile);
const BUSYBOX = "/usr/bin/busybox";
const SHELL = 'FROM scratch\nCOPY root /\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\n';
const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

interface Recipe {
  readonly name: string;
  /** Of Debian; its version decides whether the image must be built anew. */
  readonly package: string;
  /** Programs, with the libraries that they load; files; and folders with all that is in them. */
  readonly paths: readonly string[];
  /** Small files of the image's own. */
  readonly files: Readonly<Record<string, string>>;
  /** What follows after the files and the shell. */
  readonly dockerfile: string;
}

/** Why no real workload can be built and used, or undefined when they can. */
export async function gridAbsence(): Promise<string | undefined> {
  const absent = await dockerNetworkAbsence();
  if (absent !== undefined) return absent;
  try {
    for (const [program, ...words] of [
      ["nginx", "-v"],
      ["psql", "-V"],
      ["setpriv", "-V"],
      ["docker", "-v"],
    ] as const) {
      await run(program, words);
    }
    await run("sh", ["-c", "command -v wrk"]);
    await access(join(await postgresDirectory(), "bin/postgres"));
    await run("iptables", ["-w", "5", "-S", "DOCKER-USER"]);
    return undefined;
  } catch (error) {
    return `${messageOf(error).trim()}; scripts/ci/grid.sh installs what is needed`;
  }
}

/** PostgreSQL: the superuser's password is `POSTGRES_PASSWORD`, the data is in `/data`. */
export async function postgresImage(): Promise<string> {
  const home = await postgresDirectory();
  const version = home.split("/").at(-1) ?? "";
  const programs = ["postgres", "initdb", "pg_isready"].map((program) => join(home, "bin", program));
  return await debianImage({
    name: "postgresql",
    package: `postgresql-${version}`,
    paths: [
      ...programs,
      join(home, "lib"),
      `/usr/share/postgresql/${version}`,
      "/usr/share/zoneinfo/Etc/UTC",
      "/usr/bin/setpriv",
    ],
    files: {
      "etc/passwd": "root:x:0:0::/:/bin/sh\npostgres:x:999:999::/data:/bin/sh\n",
      "etc/group": "root:x:0:\npostgres:x:999:\n",
      "start.sh": [
        "#!/bin/sh",
        "set -eu",
        "mkdir -p /data/db /tmp && chown 999:999 /data/db && chmod 700 /data/db && chmod 1777 /tmp",
        'as() { exec /usr/bin/setpriv --reuid=999 --regid=999 --clear-groups "$@"; }',
        "if [ ! -s /data/db/PG_VERSION ]; then",
        '  echo "$POSTGRES_PASSWORD" >/tmp/password && chown 999 /tmp/password',
        `  (as ${home}/bin/initdb -D /data/db -U postgres -A scram-sha-256 --pwfile=/tmp/password --locale=C -E UTF8 --no-sync)`,
        "  rm /tmp/password",
        '  echo "host all all all scram-sha-256" >>/data/db/pg_hba.conf',
        "fi",
        `as ${home}/bin/postgres -D /data/db -k /tmp -c listen_addresses='*'`,
        "",
      ].join("\n"),
    },
    dockerfile: 'STOPSIGNAL SIGINT\nENV TZ=UTC PATH=/bin:/usr/bin\nENTRYPOINT ["/bin/sh", "/start.sh"]\n',
  });
}

/** nginx: one page, `page` bytes long, at `/`. */
export async function nginxImage(page: number): Promise<string> {
  return await debianImage({
    name: "nginx",
    package: "nginx",
    paths: ["/usr/sbin/nginx", "/etc/nginx/mime.types"],
    files: {
      "etc/passwd": "root:x:0:0::/:/bin/sh\nwww-data:x:33:33::/:/bin/sh\n",
      "etc/group": "root:x:0:\nwww-data:x:33:\n",
      "www/index.html": "x".repeat(page),
      "etc/nginx/nginx.conf": [
        "daemon off; worker_processes 1; user www-data; error_log stderr; pid /run/nginx.pid;",
        "events { worker_connections 512; }",
        "http { include mime.types; access_log off; server { listen 80; root /www; } }",
        "",
      ].join("\n"),
    },
    dockerfile: [
      'RUN ["/bin/mkdir", "-p", "/run", "/var/log/nginx", "/var/lib/nginx"]',
      'STOPSIGNAL SIGQUIT\nENTRYPOINT ["/usr/sbin/nginx"]\n',
    ].join("\n"),
  });
}

async function postgresDirectory(): Promise<string> {
  const versions = await readdir("/usr/lib/postgresql");
  return join("/usr/lib/postgresql", versions.toSorted((a, b) => Number(b) - Number(a))[0] ?? "");
}

/** Builds an image of installed files and pushes it, unless the registry has it; @returns its reference by digest */
async function debianImage(recipe: Recipe): Promise<string> {
  const { stdout: version } = await run("dpkg-query", ["-W", "-f", "${Version}", recipe.package]);
  const made = createHash("sha256")
    .update(JSON.stringify([version, recipe, SHELL]))
    .digest("hex");
  const repository = `sprf-grid/${recipe.name}-${made.slice(0, 16)}`;
  const known = await pushedDigest(repository);
  if (known !== undefined) return `${REGISTRY}/${repository}@${known}`;
  const files: Record<string, Uint8Array> = { "root/bin/busybox": await readFile(BUSYBOX) };
  for (const path of recipe.paths) await addPath(files, path);
  for (const [path, text] of Object.entries(recipe.files)) files[`root/${path}`] = Buffer.from(text);
  const { digest } = await pushImage(repository, SHELL + recipe.dockerfile, files);
  return `${REGISTRY}/${repository}@sha256:${digest}`;
}

async function pushedDigest(repository: string): Promise<string | undefined> {
  const url = `http://${REGISTRY}/v2/${repository}/manifests/test`;
  const answer = await fetch(url, {
    method: "HEAD",
    headers: { accept: MANIFEST },
    signal: AbortSignal.timeout(10_000),
  });
  return answer.ok ? (answer.headers.get("docker-content-digest") ?? undefined) : undefined;
}

async function addPath(files: Record<string, Uint8Array>, path: string): Promise<void> {
  if ((await stat(path)).isDirectory()) {
    for (const name of await readdir(path)) await addPath(files, join(path, name));
    return;
  }
  files[`root${path}`] = await readFile(path);
  for (const library of await librariesOf(path)) {
    if (files[`root${library}`] === undefined) files[`root${library}`] = await readFile(library);
  }
}

async function librariesOf(path: string): Promise<string[]> {
  const head = (await readFile(path)).subarray(0, 4).toString("latin1");
  if (head !== "\x7fELF") return [];
  try {
    const { stdout } = await run("ldd", [path]);
    return [...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, library = ""]) => library);
  } catch {
    // Linked statically.
    return [];
  }
}
