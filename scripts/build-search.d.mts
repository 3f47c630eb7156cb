export function hasCompiler(): boolean;
export function compileSearch(): Promise<string>;
