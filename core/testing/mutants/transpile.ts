import ts from 'typescript';
import { readSource } from './project.js';

let options: ts.CompilerOptions | undefined;

/** A source as the build compiles it, by the project's own settings. */
export function transpile(source: string, fileName: string): { readonly code: string; readonly map: string } {
  options ??= compilerOptions();
  const { outputText, sourceMapText = '' } = ts.transpileModule(source, { fileName, compilerOptions: options });
  return { code: outputText, map: sourceMapText };
}

function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.parseConfigFileTextToJson('tsconfig.json', readSource('tsconfig.json')) as {
    config: { compilerOptions: object };
  };
  const { options: stated } = ts.convertCompilerOptionsFromJson(config.compilerOptions, '.');
  // A single file does not say by itself that its package is one of modules.
  return { ...stated, module: ts.ModuleKind.ESNext, noEmit: false, sourceMap: true };
}
