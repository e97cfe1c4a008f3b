import type { Socket } from "node:net";

export type SessionId = string & { readonly brand: unique symbol };

/** How a session ended. */
export enum Ending {
  Closed = "closed",
  TimedOut = "timed-out",
}

export interface Store<Key, Value> {
  readonly size: number;
  get(key: Key): Promise<Value | undefined>;
  set(key: Key, value: Value): Promise<void>;
}

export const DEFAULT_OPTIONS: Options = {
  timeoutSeconds: 30,
  retries: 3,
  keepAlive: true,
  onError: (error) => console.error(error),
};

export function open(id: SessionId): Session;
export function open(id: SessionId, options?: Partial<Options>): Session {
  const merged = { ...DEFAULT_OPTIONS, ...options };
  return new Session(id, merged);
}

export abstract class Connection {
  protected abstract readonly socket: Socket;

  abstract send(data: Uint8Array): Promise<number>;

  close(): void {
    this.socket.end();
    this.socket.destroy();
    this.socket.removeAllListeners();
  }
}

@injectable()
export class Session extends Connection {
  private idle = 0;

  constructor(
    readonly id: SessionId,
    private readonly options: Options,
  ) {
    super();
  }

  @logged("debug")
  async send(data: Uint8Array): Promise<number> {
    this.idle = 0;
    for (let attempt = 0; attempt < this.options.retries; attempt++) {
      if (this.socket.write(data)) {
        return data.length;
      }
    }
    return 0;
  }

  get isIdle(): boolean {
    return this.idle > this.options.timeoutSeconds;
  }

  private tick = (): void => {
    this.idle += 1;
    if (this.isIdle) {
      this.close();
    }
  };
}

export namespace Codec {
  export const encode = (text: string): Uint8Array => {
    return new TextEncoder().encode(text);
  };

  export function decode(data: Uint8Array): string {
    const decoder = new TextDecoder("utf-8", { fatal: false });
    return decoder.decode(data);
  }
}

declare module "legacy" {
  export function connect(host: string): Socket;
}

export interface Options {
  timeoutSeconds: number;
  retries: number;
  keepAlive: boolean;
  onError(error: Error): void;
}
