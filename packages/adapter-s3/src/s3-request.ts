/** Where a blob is. */
export interface S3Object {
  readonly Bucket: string;
  readonly Key: string;
}

/** What the SDK takes beside each request. */
export interface SendOptions {
  readonly abortSignal?: AbortSignal;
}

export function sendOptions(signal: AbortSignal | undefined): SendOptions {
  return signal === undefined ? {} : { abortSignal: signal };
}
