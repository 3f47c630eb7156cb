export interface S3Server {
  readonly folder: string;
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export function missingS3Server(): string | undefined;
export function startS3Server(folder: string): Promise<S3Server>;
export function startGateway(server: S3Server): Promise<void>;
export function killGateway(server: S3Server): Promise<void>;
export function stopS3Server(folder: string): Promise<void>;
