import { readFileSync } from "node:fs";

import { expect } from "chai";
import fc from "fast-check";

import { readWorkloadFile, type WorkloadFile } from "../../../../../src/wire/grid/file/read-workload-file.ts";
import { workloadFileJsonSchema } from "../../../../../src/wire/grid/file/schema.ts";
import { MAX_WORKLOAD_FILE_BYTES } from "../../../../../src/wire/grid/file/source.ts";
import { encodeWorkload } from "../../../../../src/wire/grid/workload.ts";
import { GIB, IMAGE, MIB } from "../../../../helpers/grid-workloads.ts";

const SCHEMA = new URL("../../../../../docs/spec/workload-file.schema.json", import.meta.url);

const DOCUMENT = new URL("../../../../../docs/spec/workload-file.md", import.meta.url);

const EXAMPLE = `
name: shop
services:
  db:
    image: ${IMAGE}
    command: [postgres, -c, "listen_addresses=*"]
    environment:
      LANG: C.UTF-8
      WORKERS: 012345678901234567890
      PRICE: 5$$
    ports:
      - 127.0.0.1:15432:5432
      - public-0:53:53/udp
      - {target: 80, published: 8080}
    volumes:
      - data:/var/lib/postgresql/data
      - {type: volume, source: archive, target: /archive, read_only: true}
    deploy: {resources: {limits: {cpus: 1.5, memory: 512M}}}
    healthcheck:
      test: [CMD, pg_isready]
      interval: 5s
      start_period: 1m
    restart: unless-stopped
    user: 999
    x-sprf-secrets:
      POSTGRES_PASSWORD: db_password
  cache:
    image: ${IMAGE}
    environment: [A=b=c, EMPTY=]
    deploy: {resources: {limits: {cpus: "0.25", memory: 64m}}}
volumes:
  data: {driver_opts: {size: 10GiB}}
  archive: {driver_opts: {size: 100G, disk: hdd}}
secrets:
  db_password: {environment: DB_PASSWORD}
x-sprf:
  public_ips: 1
  traffic_per_hour: 1G
`;

const fileOf = (text: string): WorkloadFile => {
  const read = readWorkloadFile(text);
  if (read.kind === "file") return read.file;
  return expect.fail(read.problems.map(({ line, message }) => `${line}: ${message}`).join("\n"));
};
/** Lines and words of the problems. */
const problemsOf = (text: string): string[] => {
  const read = readWorkloadFile(text);
  return read.kind === "file" ? [] : read.problems.map(({ line, message }) => `${line}: ${message}`);
};
/** A file of one service, with these lines more in it from line 5 on. */
const service = (...lines: readonly string[]): string =>
  [
    "services:",
    "  web:",
    `    image: ${IMAGE}`,
    "    deploy: {resources: {limits: {cpus: 1, memory: 64M}}}",
    ...lines.map((line) => `    ${line}`),
  ].join("\n");

describe("wire/grid/file/read-workload-file", () => {
  it("reads what it knows of Compose", () => {
    const { name, draft, secrets } = fileOf(EXAMPLE);
    expect(name).to.equal("shop");
    expect(secrets).to.deep.equal([{ name: "db_password", kind: "environment", from: "DB_PASSWORD" }]);
    expect(draft).to.deep.equal({
      version: 1,
      containers: [
        {
          name: "db",
          image: IMAGE,
          command: ["postgres", "-c", "listen_addresses=*"],
          environment: { LANG: "C.UTF-8", WORKERS: "012345678901234567890", PRICE: "5$" },
          cpuMillicores: 1_500,
          memoryBytes: 512n * MIB,
          mounts: [
            { volume: "data", path: "/var/lib/postgresql/data", readOnly: false },
            { volume: "archive", path: "/archive", readOnly: true },
          ],
          ports: [
            { containerPort: 5_432, hostPort: 15_432, protocol: "tcp", address: "loopback" },
            { containerPort: 53, hostPort: 53, protocol: "udp", address: 0 },
            { containerPort: 80, hostPort: 8_080, protocol: "tcp", address: "node" },
          ],
          secrets: [{ secret: "db_password", variable: "POSTGRES_PASSWORD" }],
          restart: "always",
          health: { command: ["pg_isready"], intervalMs: 5_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 60_000 },
          user: "999",
        },
        {
          name: "cache",
          image: IMAGE,
          command: [],
          environment: { A: "b=c", EMPTY: "" },
          cpuMillicores: 250,
          memoryBytes: 64n * MIB,
          mounts: [],
          ports: [],
          secrets: [],
          restart: "no",
        },
      ],
      volumes: [
        { name: "data", sizeBytes: 10n * GIB, disk: "ssd" },
        { name: "archive", sizeBytes: 100n * GIB, disk: "hdd" },
      ],
      publicIps: 1,
      limits: { cruCores: 2, sruBytes: 10n * GIB, hruBytes: 100n * GIB, mruBytes: 576n * MIB, nruBytesPerHour: GIB },
    });
  });

  it("gives what is a workload once salt and secrets are known", () => {
    const { draft } = fileOf(EXAMPLE);
    const workload = { ...draft, salt: new Uint8Array(16), secretsHash: new Uint8Array(32) };
    expect(encodeWorkload(workload)).to.be.instanceOf(Uint8Array);
  });

  it("reads the example of its document", () => {
    const [, example = ""] = /```yaml\n([\s\S]*?)```/.exec(readFileSync(DOCUMENT, "utf8")) ?? [];
    const { draft } = fileOf(example.replace(/sha256:\S+/, `sha256:${"ab".repeat(32)}`));
    expect(draft.containers.map(({ name }) => name)).to.deep.equal(["db"]);
  });

  it("reads anchors and merged maps", () => {
    const text = [
      "x-sprf: {public_ips: 0}",
      "services:",
      `  a: &base {image: "${IMAGE}", deploy: {resources: {limits: {cpus: 1, memory: 64M}}}}`,
      "  b: {<<: *base, user: root}",
    ].join("\n");
    const users = fileOf(text).draft.containers.map(({ user }) => user);
    expect(users).to.deep.equal([undefined, "root"]);
  });

  it("takes a line for the shell where Compose does", () => {
    const { draft } = fileOf(service('healthcheck: {test: "curl -f localhost || exit 1"}'));
    expect(draft.containers[0]?.health?.command).to.deep.equal(["/bin/sh", "-c", "curl -f localhost || exit 1"]);
  });

  const refused: Readonly<Record<string, [text: string, problem: RegExp]>> = {
    "a key that nobody knows": [service("colour: blue"), /^5: colour is not supported$/],
    "build, with what to do": [service("build: ."), /^5: build is not supported: build the image/],
    depends_on: [service("depends_on: [db]"), /^5: depends_on is not supported: services start in the order/],
    "networks at the top": [`${service()}\nnetworks: {}`, /^5: networks is not supported/],
    "version at the top": [`version: "3"\n${service()}`, /^1: version is not supported/],
    privileged: [service("privileged: true"), /^5: privileged is not supported/],
    "replicas, within deploy": [
      service().replace("deploy: {", "deploy: {replicas: 2, "),
      /^4: replicas is not supported: write one service/,
    ],
    "secrets as files": [service("secrets: [a]"), /^5: secrets is not supported: name the variable/],
    "an image without digest": [service().replace(IMAGE, "postgres:15"), /^3: expected an image by its digest/],
    "no limits": [`services:\n  web:\n    image: ${IMAGE}`, /^2: expected deploy.resources.limits/],
    "no memory": [service().replace(", memory: 64M", ""), /^4: expected a size/],
    "cores too fine": [service().replace("cpus: 1", "cpus: 0.00001"), /^4: expected cores/],
    "a size that is none": [service().replace("64M", "64Q"), /^4: expected a size/],
    "too little memory": [service().replace("64M", "1M"), /^4: expected at least/],
    "a command for the shell": [service("command: echo hello"), /^5: expected a list of words/],
    "a variable without a value": [service("environment:", "  A:"), /^6: expected a value/],
    "a variable without a value, in a list": [service("environment: [A]"), /^5: expected NAME=value/],
    "a key within a port": [
      service("ports:", "  - {target: 1, published: 1, mode: host}"),
      /^6: mode is not supported/,
    ],
    "a variable of the machine": [service("environment:", "  A: ${HOME}"), /^6: write \$\$ for a dollar/],
    "a variable's name that is none": [service("environment:", "  1A: x"), /^6: expected a variable/],
    "a variable that objects cannot keep": [service("environment:", "  __proto__: x"), /^[56]: .*__proto__/],
    "a service that objects cannot keep": ["services: {__proto__: {}}", /__proto__/],
    "a variable twice": [service("environment: [A=1, A=2]"), /^5: A is there twice/],
    "a port without the node's": [service("ports:", "  - 80"), /^6: expected/],
    "a range of ports": [service("ports:", "  - 80-90:80-90"), /^6: .*ranges/],
    "port 0": [service("ports:", "  - 0:80"), /^6: /],
    "a port twice": [service("ports:", "  - 80:80", "  - 80:81"), /^7: port 80\/tcp is published twice/],
    "a public IP that is not reserved": [service("ports:", "  - public-0:80:80"), /^6: public IP 0 of 0 reserved/],
    "another address": [service("ports:", "  - 10.0.0.1:80:80"), /^6: 10.0.0.1 is no address to publish on/],
    "a folder of the node": [service("volumes:", "  - /etc:/etc"), /^6: folders of the node cannot be mounted/],
    "a volume that is not there": [service("volumes:", "  - data:/data"), /^6: there is no volume data/],
    "a volume without a size": [
      `${service("volumes:", "  - data:/data")}\nvolumes:\n  data:`,
      /^8: expected driver_opts with a size/,
    ],
    "a volume that nobody mounts": [
      `${service()}\nvolumes:\n  data: {driver_opts: {size: 1G}}`,
      /^6: no container mounts/,
    ],
    "a mode that is none": [service("volumes:", "  - data:/data:z"), /^6: expected volume:\/path/],
    "a secret that is not there": [service("x-sprf-secrets:", "  A: key"), /^6: there is no secret key/],
    "a secret that nobody uses": [`${service()}\nsecrets:\n  key: {file: ./key}`, /^6: no service uses the secret key/],
    "a health check that is none": [service("healthcheck: {test: [NONE]}"), /^5: leave out healthcheck/],
    "a duration that is none": [service("healthcheck: {test: a, interval: 1d}"), /^5: expected a duration/],
    "a name that is no DNS label": [service().replace("web:", "Web_1:"), /^2: expected 1 to 32/],
    "a key twice": [service("user: a", "user: b"), /^6: Map keys must be unique/],
    "what is no YAML": ["services: [", /^1: /],
    "two documents": ["services: {}\n---\nservices: {}", /^2: /],
    "a tag": [service("user: !reset a"), /^5: /],
    "an anchor that is not there": [service("user: *nobody"), /^(1|5): /],
    "a list": ["- a", /^1: /],
    nothing: ["", /^1: expected a container, or a public IP/],
    "a file that is too large": [`# ${"x".repeat(MAX_WORKLOAD_FILE_BYTES)}`, /^1: the file is larger than/],
    "aliases without end": [
      [
        "a: &a [x, x, x, x, x, x, x, x, x]",
        ..."bcdefgh".split("").map((name, index) => {
          const before = "abcdefgh"[index];
          return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(", ")}]`;
        }),
      ].join("\n"),
      /^1: the file cannot be read/,
    ],
    "lists in lists without end": [`\n${"[".repeat(200_000)}`, /^2: more than 64 lists or maps deep$/],
    "maps in maps without end": [`{a: ${"{a: ".repeat(64)}`, /^1: more than 64 lists or maps deep$/],
    "lists in lists without brackets": ["- ".repeat(100_000), /^1: more than 64 lists or maps deep$/],
  };
  for (const [name, [text, problem]] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      expect(problemsOf(text)[0] ?? "it was read").to.match(problem);
    });
  }

  it("names all that is wrong, in the order of lines", () => {
    const problems = problemsOf(service("build: .", "ports: [80]", "colour: blue", "user: [a]"));
    expect(problems.map((problem) => problem.split(":")[0])).to.deep.equal(["5", "7", "8"]);
  });

  it("never throws, whatever it is given", () => {
    const fragments = EXAMPLE.split(/(?<=\s)/);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary-ascii", maxLength: 200 }),
          fc.shuffledSubarray(fragments, { maxLength: 40 }).map((parts) => parts.join("")),
          fc
            .tuple(fc.nat(EXAMPLE.length), fc.string({ maxLength: 3 }))
            .map(([at, text]) => `${EXAMPLE.slice(0, at)}${text}${EXAMPLE.slice(at + text.length)}`),
        ),
        (text) => {
          const read = readWorkloadFile(text);
          if (read.kind === "problems") {
            expect(read.problems).not.to.be.empty;
            for (const { line, column } of read.problems) expect(Math.min(line, column)).to.be.at.least(1);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it("has the JSON schema that is in docs/spec", () => {
    expect(JSON.parse(readFileSync(SCHEMA, "utf8"))).to.deep.equal(
      JSON.parse(JSON.stringify(workloadFileJsonSchema())),
    );
  });
});
