import type { AnyDesc, DescFile, FileRegistry } from '@bufbuild/protobuf';

/** Every name of a registry, as protobuf's tools write it, and the file that declares it. */
export function symbolsOf(registry: FileRegistry): ReadonlyMap<string, DescFile> {
  const symbols = new Map<string, DescFile>();
  for (const type of registry) for (const name of namesWithin(type)) symbols.set(name, type.file);
  return symbols;
}

type Type = Extract<AnyDesc, { readonly kind: 'message' | 'enum' | 'extension' | 'service' }>;

/** A type's name, and those of its parts; types within a message stand in the registry by themselves. */
function namesWithin(type: Type): readonly string[] {
  const { typeName } = type;
  const within = (part: { readonly name: string }) => `${typeName}.${part.name}`;
  switch (type.kind) {
    case 'message':
      return [typeName, ...type.fields.map(within), ...type.oneofs.map(within)];
    case 'service':
      return [typeName, ...type.methods.map(within)];
    case 'enum': {
      // Values are named beside their enum, not within it, as in C++.
      const scope = typeName.slice(0, typeName.lastIndexOf('.') + 1);
      return [typeName, ...type.values.map(({ name }) => scope + name)];
    }
    case 'extension':
      return [typeName];
  }
}
