import { startDaemon, type Daemon } from "./daemon.ts";

/** Chain, ledger and registry are all on this machine, too; they answer as fast as anywhere else, however busy the daemons keep it. */
const NICENESS = 10;

/** A daemon that is killed and started again on the same data. */
export interface FleetDaemon {
  readonly name: string;
  readonly role: "worker" | "tester";
  /** Devnet account. */
  readonly account: number;
  /** What it printed when it was up first: worker or tester id, API's URL. */
  readonly info: Readonly<Record<string, unknown>>;
  isUp(): boolean;
  /** SIGKILL, and the same command again; resolves when it is up. */
  killAndRestart(): Promise<void>;
  stop(): Promise<void>;
}

export interface FleetDaemonInit extends Pick<FleetDaemon, "name" | "role" | "account"> {
  readonly script: string;
  readonly options: readonly string[];
  readonly logFile: string;
  /** Called when it ends although nobody asked it to. */
  readonly onFailure: (what: string) => void;
}

export async function startFleetDaemon(init: FleetDaemonInit): Promise<FleetDaemon> {
  const { name, script, logFile } = init;
  let current: Daemon | undefined;
  let isMeant = false;

  async function launch(options: readonly string[]): Promise<Daemon> {
    const daemon = await startDaemon(script, options, { logFile, niceness: NICENESS });
    isMeant = false;
    current = daemon;
    void daemon.ended.then(({ how, log }) => {
      current = undefined;
      if (!isMeant) init.onFailure(`${name} ended by itself with ${how}:\n${log.slice(-4_000)}`);
    });
    return daemon;
  }

  const { info } = await launch(init.options);
  // Smart accounts name the address, so it must stay.
  const port = typeof info["apiUrl"] === "string" ? ["--port", new URL(info["apiUrl"]).port] : [];
  return {
    name,
    role: init.role,
    account: init.account,
    info,
    isUp: () => current !== undefined,
    async killAndRestart() {
      isMeant = true;
      await current?.kill();
      await launch([...init.options, ...port]);
    },
    async stop() {
      isMeant = true;
      await current?.stop();
    },
  };
}
