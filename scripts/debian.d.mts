export type Purpose = 'tests' | 'full lab';
export function missingPackages(purpose: Purpose): string[];
export function whyNoPackages(): string | undefined;
export function installPackages(names: readonly string[]): string | undefined;
export function installDebianPackages(): void;
