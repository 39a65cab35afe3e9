import { expect } from "chai";
import { createServer } from "node:net";

import { createMemoryLogger, type LogLine } from "../../src/adapters/logger/memory.ts";
import { isSprfError } from "../../src/errors.ts";
import type { Logger } from "../../src/ports/logger.ts";
import type { DeployProgress, WorkloadSpec, Workloads } from "../../src/ports/workloads.ts";
import { codeOf } from "../helpers/code-of.ts";
import { until } from "../helpers/until.ts";
import { ask, freePort, scriptOf, serverOf, specOf } from "../helpers/workload-specs.ts";

const MIB = 1024 * 1024;
const SLOW = { timeoutMs: 60_000 };
/** Neither healthy nor unhealthy for as long as a test takes. */
const NEVER = { command: ["false"], intervalMs: 1000, timeoutMs: 1000, retries: 1000 };

export interface WorkloadsFixture {
  create(logger: Logger): Workloads;
  /** busybox, by digest. */
  readonly image: string;
  readonly unknownImage: string;
  /** busybox that declares a volume at `/cache`. */
  readonly volumeImage: string;
  /** Of the loopback; nobody else publishes there. */
  readonly address: string;
  /** A process that deploys and is killed when it comes to a step; @returns the signal that ended it */
  deployAndDie(spec: WorkloadSpec, step: DeployProgress["step"], container?: string): Promise<string | null>;
  /** As when the program in it dies. */
  killContainer(contractId: string, name: string): Promise<void>;
  createOverFailingEngine(
    logger: Logger,
    fails: (request: string) => boolean,
  ): Promise<{ workloads: Workloads; close(): Promise<void> }>;
  close(): Promise<void>;
}

/** What every engine of workloads does alike. */
export function workloadsCompliance(name: string, setUp: () => Promise<WorkloadsFixture>): void {
  describe(`workloads on ${name}`, function () {
    this.timeout(120_000);
    let fixture: WorkloadsFixture;
    let lines: LogLine[];
    let logger: Logger;
    let workloads: Workloads;
    let count = 0;
    let id: string;

    before(async () => {
      fixture = await setUp();
    });
    beforeEach(() => {
      lines = [];
      logger = createMemoryLogger(lines);
      workloads = fixture.create(logger);
      id = `c${++count}`;
    });
    afterEach(async () => {
      for (const { contractId } of await workloads.list()) await workloads.remove(contractId);
    });
    after(async () => {
      await fixture.close();
    });

    const web = (text: string, rest: Parameters<typeof serverOf>[2] = {}): ReturnType<typeof serverOf> =>
      serverOf(fixture.image, text, rest);
    const script = (text: string, rest: Parameters<typeof serverOf>[2] = {}): ReturnType<typeof serverOf> =>
      scriptOf(fixture.image, text, rest);
    const identities = async (): Promise<string[]> =>
      (await workloads.usage(id)).containers.map(({ identity }) => identity);
    const logOf = async (container: string): Promise<string> => {
      let text = "";
      for await (const { bytes } of workloads.logs(id, container)) text += Buffer.from(bytes).toString();
      return text;
    };

    it("deploys once, however often it is asked, and removes all of it", async () => {
      const port = await freePort(fixture.address);
      const volumes = [{ name: "data", path: "/data", sizeBytes: MIB }];
      const spec = specOf(id, "aa", web("hello", { ports: [port], volumes }));
      const steps: string[] = [];
      await workloads.deploy(spec, { onProgress: ({ step }) => steps.push(step) });
      expect(steps).to.include.members(["networks", "volumes", "created", "started", "ready", "committed"]);
      expect(await ask(port)).to.equal("hello");
      const first = await identities();
      await fixture.create(logger).deploy(spec);
      expect(await identities())
        .to.deep.equal(first)
        .and.to.have.length(1);
      expect(await workloads.list()).to.deep.equal([
        {
          contractId: id,
          containers: [{ name: "web", running: true, deploymentHash: "aa" }],
          networks: 2,
          volumes: ["data"],
        },
      ]);
      expect(await workloads.status(id)).to.deep.equal([
        { name: "web", state: "running", health: "healthy", restarts: 0, exitCode: undefined, outOfMemory: false },
      ]);
      await workloads.remove(id);
      await workloads.remove(id);
      expect(await workloads.list()).to.deep.equal([]);
      expect(await ask(port)).to.equal(undefined);
      expect(await codeOf(workloads.status(id))).to.equal("WORKLOAD_NOT_FOUND");
    });

    it("lets containers of a deployment find each other, and nobody else find them", async () => {
      const look = `nslookup web | sed -n 's/^Address: //p'`;
      const sibling = script(`for at in $(${look}); do echo "at $at"; timeout 5 wget -qO- http://$at/; done`, {
        restart: "no",
      });
      await workloads.deploy(specOf(id, "aa", web("inside"), sibling));
      await until(async () => (await logOf("script")).includes("inside"), SLOW);
      const addresses = [...(await logOf("script")).matchAll(/^at ([0-9.]+)$/gm)];
      const tries = addresses.map(([, address = ""]) => `timeout 1 wget -qO- http://${address}/ && echo REACHED`);
      expect(tries).not.to.deep.equal([]);
      const neighbour = `${id}n`;
      const probe = script([...tries, "echo done"].join("; "), { restart: "no" });
      await workloads.deploy(specOf(neighbour, "aa", probe));
      await until(async () => (await workloads.status(neighbour))[0]?.state === "exited", SLOW);
      let text = "";
      for await (const { bytes } of workloads.logs(neighbour, "script")) text += Buffer.from(bytes).toString();
      expect(text).to.include("done").and.not.to.include("REACHED");
    });

    it("drops privileges that reach out of a container", async () => {
      const check = "grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' /proc/self/status; chown 1:1 /bin/sh && echo chowned";
      await workloads.deploy(specOf(id, "aa", script(`${check}; mount -t tmpfs x /tmp; true`, { restart: "no" })));
      await until(async () => (await workloads.status(id))[0]?.state === "exited", SLOW);
      const log = await logOf("script");
      // CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, KILL 5, SETGID 6, SETUID 7
      const bits = (0b11101011).toString(16).padStart(16, "0");
      expect(log).to.match(new RegExp(`CapBnd:\\s+${bits}`));
      expect(log)
        .to.match(/NoNewPrivs:\s+1/)
        .and.to.match(/Seccomp:\s+2/)
        .and.to.include("chowned");
      expect(log).to.match(/mount: .*(denied|permitted|user)/i);
    });

    it("says that an image does not exist, and leaves nothing", async () => {
      const spec = specOf(id, "aa", web("x", { image: fixture.unknownImage }));
      expect(await codeOf(workloads.deploy(spec))).to.equal("WORKLOAD_IMAGE_NOT_FOUND");
      expect(await codeOf(workloads.pull(fixture.unknownImage))).to.equal("WORKLOAD_IMAGE_NOT_FOUND");
      expect(await workloads.hasImage(fixture.unknownImage)).to.equal(false);
      expect(await workloads.list()).to.deep.equal([]);
      await workloads.pull(fixture.image);
      expect(await workloads.hasImage(fixture.image)).to.equal(true);
    });

    it("refuses a taken port before anything starts", async () => {
      const port = await freePort(fixture.address);
      const steps: string[] = [];
      const onProgress = ({ step }: DeployProgress): void => void steps.push(step);
      const other = createServer();
      const listening = Promise.withResolvers<void>();
      other.listen(port.hostPort, port.hostAddress, listening.resolve);
      await listening.promise;
      const spec = specOf(id, "aa", web("x", { ports: [port] }));
      expect(await codeOf(workloads.deploy(spec, { onProgress }))).to.equal("WORKLOAD_PORT_TAKEN");
      const closed = Promise.withResolvers<void>();
      other.close(() => closed.resolve());
      await closed.promise;
      expect(steps).not.to.include("networks");
      expect(await workloads.list()).to.deep.equal([]);
      // A paused deployment keeps its ports.
      await workloads.deploy(spec);
      await workloads.pause(id);
      expect(await codeOf(workloads.deploy(specOf(`${id}b`, "aa", web("y", { ports: [port] }))))).to.equal(
        "WORKLOAD_PORT_TAKEN",
      );
      const foreign = { ...port, hostAddress: "198.51.100.77" };
      expect(await codeOf(workloads.deploy(specOf(`${id}b`, "aa", web("y", { ports: [foreign] }))))).to.equal(
        "INVALID_INPUT",
      );
      await workloads.resume(id);
      expect(await ask(port)).to.equal("x");
      expect((await workloads.list()).map(({ contractId }) => contractId)).to.deep.equal([id]);
    });

    it("leaves nothing of what cannot start or does not become ready, and says why without its secrets", async () => {
      const secret = "hunter2-hunter2";
      const environment = { TEXT: "x", PASSWORD: secret };
      const cases: [string, ReturnType<typeof web>][] = [
        ["WORKLOAD_INVALID", web("x", { entrypoint: ["/no/such/program"] })],
        ["WORKLOAD_INVALID", web("x", { image: fixture.volumeImage })],
        ["WORKLOAD_INVALID", web("x", { user: "nobody-of-that-name" })],
        ["WORKLOAD_UNHEALTHY", script('echo "it was $TEXT"; exit 3', { healthCheck: NEVER })],
        ["WORKLOAD_UNHEALTHY", script("tail /dev/zero", { memoryBytes: 16 * MIB, restart: "no", healthCheck: NEVER })],
        [
          "WORKLOAD_UNHEALTHY",
          web("x", { healthCheck: { command: ["false"], intervalMs: 100, timeoutMs: 1000, retries: 2 } }),
        ],
      ];
      for (const [code, container] of cases) {
        const logs: string[] = [];
        const failure = await workloads
          .deploy(specOf(id, "aa", { ...container, environment }), {
            onProgress: (progress) => progress.step === "failed" && logs.push(progress.log),
          })
          .then(
            () => undefined,
            (error: unknown) => error,
          );
        expect(isSprfError(failure) && failure.code, container.entrypoint?.join(" ")).to.equal(code);
        if (container.entrypoint?.[2]?.includes("it was")) expect(logs.join()).to.include("it was x");
        expect(String(failure) + JSON.stringify(failure) + JSON.stringify(lines)).not.to.include(secret);
        expect(await workloads.list()).to.deep.equal([]);
      }
    });

    it("updates beside the old one, which serves until the new one is ready", async () => {
      const port = await freePort(fixture.address);
      await workloads.deploy(specOf(id, "aa", web("old", { ports: [port] }), web("side", { name: "side" })));
      const [, side] = await identities();
      const heard: (string | undefined)[] = [];
      let readyAt: number | undefined;
      let updated = false;
      const update = workloads
        .deploy(specOf(id, "bb", web("new", { ports: [port] }), web("side", { name: "side" })), {
          onProgress: (progress) => {
            if (progress.step === "ready" && progress.container === "web") readyAt = heard.length;
          },
        })
        .then(() => (updated = true));
      await until(async () => heard.push(await ask(port)) > 0 && updated, SLOW);
      await update;
      expect(await ask(port)).to.equal("new");
      expect(new Set(heard.slice(0, readyAt))).to.deep.equal(new Set(["old"]));
      expect((await identities())[1]).to.equal(side);
      expect((await workloads.list())[0]?.containers).to.deep.equal([
        { name: "web", running: true, deploymentHash: "bb" },
        { name: "side", running: true, deploymentHash: "aa" },
      ]);
      // And again: a container that once took over ports can give them away.
      await workloads.deploy(specOf(id, "cc", web("newer", { ports: [port] })));
      expect(await ask(port)).to.equal("newer");
      expect((await workloads.list())[0]?.containers).to.have.length(1);
    });

    it("goes back to the old version when the new one fails, beside or in place", async () => {
      const port = await freePort(fixture.address);
      const broken = { command: ["false"], intervalMs: 100, timeoutMs: 1000, retries: 2 };
      await workloads.deploy(specOf(id, "aa", web("old", { ports: [port] })));
      const before = await identities();
      const failing = specOf(id, "bb", web("new", { ports: [port], healthCheck: broken }));
      expect(await codeOf(workloads.deploy(failing))).to.equal("WORKLOAD_UNHEALTHY");
      expect(await identities()).to.deep.equal(before);
      expect(await ask(port)).to.equal("old");

      const volumes = [{ name: "data", path: "/data", sizeBytes: MIB }];
      await workloads.deploy(specOf(id, "cc", web("stateful", { ports: [port], volumes })));
      const worse = specOf(id, "dd", web("new", { ports: [port], volumes, healthCheck: broken }));
      expect(await codeOf(workloads.deploy(worse))).to.equal("WORKLOAD_UNHEALTHY");
      await until(async () => (await ask(port)) === "stateful", SLOW);
      expect((await workloads.list())[0]?.containers).to.deep.equal([
        { name: "web", running: true, deploymentHash: "cc" },
      ]);
    });

    it("keeps data through an update in place, a pause and the end of the node's process", async () => {
      const port = await freePort(fixture.address);
      const volumes = [{ name: "data", path: "/data", sizeBytes: MIB }];
      await workloads.deploy(specOf(id, "aa", web("one", { ports: [port], volumes })));
      const steps: string[] = [];
      await workloads.deploy(specOf(id, "bb", web("two", { ports: [port], volumes })), {
        onProgress: ({ step }) => steps.push(step),
      });
      // Two servers must not have the data at once.
      expect(steps.indexOf("stopped")).to.be.within(0, steps.indexOf("created"));
      expect(await ask(port, "/history")).to.equal("one\ntwo");
      workloads = fixture.create(logger);
      await workloads.pause(id);
      await workloads.pause(id);
      expect(await ask(port)).to.equal(undefined);
      expect((await workloads.list())[0]?.containers[0]?.running).to.equal(false);
      await workloads.resume(id);
      await workloads.resume(id);
      expect(await ask(port, "/history")).to.equal("one\ntwo\ntwo");
    });

    it("lets a container only read a volume that another of its deployment writes", async () => {
      const data = { name: "data", sizeBytes: MIB };
      const writer = script("echo written >/data/file; sleep 1000", {
        name: "writer",
        volumes: [{ ...data, path: "/data" }],
        healthCheck: { command: ["test", "-e", "/data/file"], intervalMs: 200, timeoutMs: 5_000, retries: 50 },
      });
      const reader = script("cat /seen/file; echo mine >/seen/file || echo refused", {
        volumes: [{ ...data, path: "/seen", readOnly: true }],
        restart: "no",
      });
      await workloads.deploy(specOf(id, "aa", writer, reader));
      await until(async () => (await logOf("script")).includes("refused"), SLOW);
      expect(await logOf("script")).to.include("written");
    });

    it("counts what a deployment uses from each start on, and pauses it when its disk is overfull", async () => {
      const port = await freePort(fixture.address);
      const volumes = [{ name: "data", path: "/data", sizeBytes: MIB }];
      const fill = "dd if=/dev/zero of=/data/file bs=65536 count=8; while [ ! -e /data/more ]; do sleep 0.1; done";
      const filler = script(`${fill}; dd if=/dev/zero of=/data/file2 bs=65536 count=32; sleep 100`, {
        volumes: [{ name: "filled", path: "/data", sizeBytes: MIB }],
      });
      await workloads.deploy(specOf(id, "aa", web("x".repeat(5000), { ports: [port], volumes }), filler));
      const before = (await workloads.usage(id)).containers[0];
      for (let asked = 0; asked < 20; asked++) await ask(port);
      const after = (await workloads.usage(id)).containers[0];
      if (before === undefined || after === undefined) throw new Error("nothing runs");
      expect(after.identity).to.equal(before.identity);
      expect(Number(after.sentBytes - before.sentBytes)).to.be.within(20 * 5000, 20 * 10_000);
      expect(Number(after.receivedBytes - before.receivedBytes)).to.be.greaterThan(20 * 200);
      expect(Number(after.cpuNanoseconds - before.cpuNanoseconds)).to.be.greaterThan(0);
      expect(after.memoryBytes).to.be.within(1, 32 * MIB);
      await until(async () => {
        const disk = (await workloads.usage(id)).disk.find(({ name: volume }) => volume === "filled");
        return disk !== undefined && disk.bytes >= 512 * 1024 && disk.limitBytes === MIB;
      }, SLOW);
      expect(await workloads.stopOverfull()).to.deep.equal([]);

      await fixture.killContainer(id, "web");
      await until(async () => ((await workloads.status(id))[0]?.restarts ?? 0) > 0, SLOW);
      await until(async () => (await ask(port)) !== undefined, SLOW);
      const again = (await workloads.usage(id)).containers[0];
      expect(again?.identity).not.to.equal(after.identity);

      const more = script("touch /data/more", { name: "more", volumes: filler.volumes, restart: "no" });
      await workloads.deploy(specOf(id, "bb", web("x".repeat(5000), { ports: [port], volumes }), filler, more));
      let stopped: Awaited<ReturnType<Workloads["stopOverfull"]>> = [];
      await until(async () => (stopped = await workloads.stopOverfull()).length > 0, SLOW);
      expect(stopped[0]?.contractId).to.equal(id);
      expect(stopped[0]?.disk.map(({ name: volume }) => volume)).to.deep.equal(["filled"]);
      expect((await workloads.list())[0]?.containers.some(({ running }) => running)).to.equal(false);
    });

    it("shows logs, from a time on, as they come, and no more than asked", async () => {
      const talk = "echo out; echo err >&2; while [ ! -e /data/go ]; do sleep 0.1; done; echo later; sleep 100";
      const volumes = [{ name: "data", path: "/data", sizeBytes: MIB }];
      const talker = script(talk, { name: "talker", volumes, restart: "no" });
      await workloads.deploy(specOf(id, "aa", talker));
      await until(async () => (await logOf("talker")).length === "out\nerr\n".length, SLOW);
      const entries = [];
      for await (const entry of workloads.logs(id, "talker")) entries.push(entry);
      const said = entries.map(({ stream, bytes }) => [stream, Buffer.from(bytes).toString()]);
      expect(said).to.have.deep.members([
        ["stdout", "out\n"],
        ["stderr", "err\n"],
      ]);
      const stop = new AbortController();
      const since = Math.max(...entries.map(({ at }) => Date.parse(at))) / 1000 + 0.001;
      const followed: string[] = [];
      const follow = async (): Promise<void> => {
        for await (const { bytes } of workloads.logs(id, "talker", { follow: true, since, signal: stop.signal })) {
          followed.push(Buffer.from(bytes).toString());
          stop.abort();
        }
      };
      const following = codeOf(follow());
      const go = script("touch /data/go", { name: "go", volumes, restart: "no" });
      await workloads.deploy(specOf(id, "bb", talker, go));
      expect(await following).to.equal("ABORTED");
      expect(followed).to.deep.equal(["later\n"]);
      const few = [];
      for await (const entry of workloads.logs(id, "talker", { maxBytes: 5 })) few.push(entry);
      expect(few).to.have.length(1);
      expect(await codeOf(workloads.logs(id, "nobody")[Symbol.asyncIterator]().next())).to.equal("WORKLOAD_NOT_FOUND");
    });

    it("ends at once when it is aborted, and leaves what was there", async () => {
      const stop = new AbortController();
      const deploying = workloads.deploy(specOf(id, "aa", web("x", { healthCheck: NEVER })), {
        signal: stop.signal,
        onProgress: ({ step }) => step === "started" && stop.abort(),
      });
      expect(await codeOf(deploying)).to.equal("ABORTED");
      expect(await workloads.list()).to.deep.equal([]);
      expect(await codeOf(workloads.list({ signal: stop.signal }))).to.equal("ABORTED");
    });

    it("takes up what a node killed in the middle of a deployment left", async () => {
      const port = await freePort(fixture.address);
      const volumes = [{ name: "data", path: "/data", sizeBytes: MIB }];
      const spec = specOf(id, "aa", web("first", { ports: [port], volumes }));
      for (const [step, container] of [["networks"], ["created", "web"], ["started", "web"]] as const) {
        expect(await fixture.deployAndDie(spec, step, container)).to.equal("SIGKILL");
        expect((await workloads.list()).map(({ contractId }) => contractId)).to.deep.equal([id]);
        await workloads.deploy(spec);
        expect(await ask(port)).to.equal("first");
        if (step === "networks") await workloads.remove(id);
      }
      expect((await workloads.list())[0]?.containers).to.have.length(1);
      // In place: between the old one's end and the new one's beginning.
      const next = specOf(id, "bb", web("second", { ports: [port], volumes }));
      expect(await fixture.deployAndDie(next, "stopped", "web")).to.equal("SIGKILL");
      await workloads.deploy(spec);
      expect(await ask(port)).to.equal("first");
      expect(await fixture.deployAndDie(next, "started", "web")).to.equal("SIGKILL");
      await workloads.deploy(next);
      expect(await ask(port)).to.equal("second");
      expect((await workloads.list())[0]?.containers).to.deep.equal([
        { name: "web", running: true, deploymentHash: "bb" },
      ]);
      expect(await fixture.deployAndDie(spec, "created", "web")).to.equal("SIGKILL");
      await workloads.remove(id);
      expect(await workloads.list()).to.deep.equal([]);
    });

    it("takes up what a node killed while it switched ports left", async () => {
      const port = await freePort(fixture.address);
      const spec = specOf(id, "aa", web("first", { ports: [port] }));
      const next = specOf(id, "bb", web("second", { ports: [port] }));
      await workloads.deploy(spec);
      expect(await fixture.deployAndDie(next, "ready", "web")).to.equal("SIGKILL");
      expect(await ask(port)).to.equal("first");
      const before = (await workloads.usage(id)).containers.length;
      expect(before).to.equal(2);
      await workloads.deploy(spec);
      expect(await ask(port)).to.equal("first");
      expect((await workloads.list())[0]?.containers).to.have.length(1);
      expect(await fixture.deployAndDie(next, "switched", "web")).to.equal("SIGKILL");
      expect(await ask(port)).to.equal("second");
      await workloads.deploy(next);
      expect(await ask(port)).to.equal("second");
      expect((await workloads.list())[0]?.containers).to.have.length(1);
    });

    it("goes back when the engine answers with an error at any point of an update", async () => {
      const port = await freePort(fixture.address);
      const volumes = [{ name: "data", path: "/data", sizeBytes: MIB }];
      await workloads.deploy(specOf(id, "aa", web("old", { ports: [port] })));
      const points: [RegExp, ReturnType<typeof web>][] = [
        [/^POST \/containers\/create/, web("new", { ports: [port] })],
        [/^POST \/networks\/.*\/connect/, web("new", { ports: [port] })],
        [/^POST \/containers\/.*\/start/, web("new", { ports: [port], volumes })],
      ];
      for (const [point, container] of points) {
        let failed = false;
        const failing = await fixture.createOverFailingEngine(logger, (request) => {
          if (failed || !point.test(request)) return false;
          failed = true;
          return true;
        });
        expect(await codeOf(failing.workloads.deploy(specOf(id, "bb", container))), String(point)).to.equal(
          "ENGINE_FAILED",
        );
        await failing.close();
        expect(failed).to.equal(true);
        await until(async () => (await ask(port)) === "old", SLOW);
        expect((await workloads.list())[0]).to.deep.include({
          containers: [{ name: "web", running: true, deploymentHash: "aa" }],
          volumes: [],
        });
      }
      expect(await codeOf(workloads.list({ signal: AbortSignal.abort() }))).to.equal("ABORTED");
    });

    it("refuses what no node should run", async () => {
      const bad: WorkloadSpec[] = [
        specOf("../x", "aa", web("x")),
        specOf(id, "zz", web("x")),
        specOf(id, "aa"),
        specOf(id, "aa", web("x"), web("y")),
        specOf(id, "aa", web("x", { image: "busybox:latest" })),
        specOf(id, "aa", web("x", { name: "Web_1" })),
        specOf(id, "aa", web("x", { memoryBytes: 1 })),
        specOf(id, "aa", web("x", { environment: { "A=B": "c" } })),
        specOf(id, "aa", web("x", { volumes: [{ name: "a", path: "/data/../../etc", sizeBytes: 1 }] })),
        specOf(id, "aa", web("x", { ports: [{ ...(await freePort(fixture.address)), hostAddress: "0.0.0.0" }] })),
      ];
      for (const spec of bad)
        expect(await codeOf(workloads.deploy(spec)), JSON.stringify(spec)).to.equal("INVALID_INPUT");
      expect(await workloads.list()).to.deep.equal([]);
    });
  });
}
