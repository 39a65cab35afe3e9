/** Trustless gateways that content may be asked from: other workers' HTTP APIs. What they send is checked against its CID. */
export interface GatewayBook {
  /** Remembers more; those known already keep what was found out about them. URLs that are none are ignored. */
  add(urls: readonly string[]): void;
  /** This daemon's own, which is never asked. */
  exclude(url: string): void;
}
