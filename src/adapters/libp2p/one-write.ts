import type { ConnectionEncrypter, MessageStream } from "@libp2p/interface";

/**
 * An encrypter whose messages go to the socket in one piece. Noise gives each message's length and body apart, and the TCP transport
 * makes a system call of each: with small messages these calls are a fifth of what a node does.
 */
export function inOneWrite<Components, Extension>(
  encrypter: (components: Components) => ConnectionEncrypter<Extension>,
): (components: Components) => ConnectionEncrypter<Extension> {
  return (components) => {
    const inner = encrypter(components);
    return {
      protocol: inner.protocol,
      secureInbound: async (connection, options) => await inner.secureInbound(joined(connection), options),
      secureOutbound: async (connection, options) => await inner.secureOutbound(joined(connection), options),
    };
  };
}

function joined(connection: MessageStream): MessageStream {
  const send = connection.send.bind(connection);
  // On the connection itself: what it emits and its state must stay one.
  connection.send = (data) => send(data instanceof Uint8Array ? data : data.subarray());
  return connection;
}
