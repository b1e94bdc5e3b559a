/**
 * The contract of a registry: models by name, their versions, aliases such as `champion`, and what
 * people note about them. The folder of plain files keeps it, and so does MLflow's registry
 * (`tracking/mlflow/registry.ts`); `tests/registry-contract.ts` holds both to it. Knows nothing
 * about what a model computes, or where it lies.
 */

import type { AliasEntry } from './alias-log.ts'
import type { Artifact, Documents, WrittenVersion } from './artifact.ts'

export { championAlias } from './model-reference.ts'
export { openRegistry, type RegistryEffects, registryEffects } from './registry-files.ts'

/** What people note about a model or a version. */
export interface Notes {
  /** What it is, in words; empty when nobody said. */
  readonly description: string
  /** Values by name, see {@link Registry.setTags}; not those that a store sets for itself. */
  readonly tags: Readonly<Record<string, string>>
}

/** A version in a list. */
export interface VersionSummary extends Notes {
  /**
   * 12 hexadecimal digits, derived from the content. Of a version on a server that ridecast did not
   * make: its number, as text.
   */
  readonly version: string
  /** The number that a server gave it; null in a folder. */
  readonly number: number | null
  /** Its folder, or its page on a server. */
  readonly path: string
  /** When its files were written, or the server was told of it. */
  readonly created: Date
  /** Aliases that point to it, sorted. */
  readonly aliases: readonly string[]
  /**
   * What is known of it without reading its files, such as `recipe` and `validation_rmse` (minutes);
   * empty in a folder, where reading them is quick.
   */
  readonly facts: Readonly<Record<string, string>>
}

/** A model in a list; versions newest first. */
export interface ModelSummary extends Notes {
  readonly name: string
  readonly versions: readonly VersionSummary[]
  /** The version that each alias points to, by alias; that version need not be there. */
  readonly aliases: Readonly<Record<string, string>>
}

/** Which models and versions a list shows; what is left out holds for all. */
export interface ListFilter {
  /** Pattern of the name of the model, `*` stands for any characters. */
  readonly name?: string | undefined
  /** Values that the version, or else its model, has as tags. */
  readonly tags?: Readonly<Record<string, string>> | undefined
  /** Alias that points to the version. */
  readonly alias?: string | undefined
}

/** What a reference means. */
export interface ResolvedVersion {
  /** Name of the model. */
  readonly name: string
  readonly version: string
  /** Its folder, or its page on a server. */
  readonly path: string
  /** The alias that led there; undefined when the version was named. */
  readonly alias?: string
}

/** A version with the name of its model; `path` is a folder that holds what was read. */
export interface NamedArtifact extends Artifact {
  readonly name: string
}

/** How a version is loaded. */
export interface LoadOptions {
  /** True reads from the registry itself, also what is kept here of a server; default false. */
  readonly fresh?: boolean
}

/** What a version is saved with; of one that is there already all stays as it is. */
export interface Origin extends Partial<Notes> {
  /** The run that has made it, where a store links to runs. */
  readonly runId?: string | undefined
  /** The logged model that it is, where a store has such; one is made when it is not given. */
  readonly modelId?: string | undefined
}

/** A change of an alias: the entry that holds now. */
export interface AliasChange extends AliasEntry {
  readonly version: string
  /** False when the alias already said so, or another was first. */
  readonly changed: boolean
}

/** Why a change is made (default empty). */
export interface Reason {
  readonly reason?: string
}

/** Options of a change: the alias (default `champion`), and why. */
export interface ChangeOptions extends Reason {
  readonly alias?: string
}

/** What is wrong with an alias although it can be used. */
export interface AliasFault {
  readonly alias: string
  /** The fault as an error would say it. */
  readonly message: string
}

/**
 * Models, versions and aliases in one place. Every method may throw `model_io` (a folder) or the
 * `tracking_*` codes (a server), and `model_name_invalid` for names that cannot be.
 */
export interface Registry {
  /** Where it is: the path of a folder, or the address of a server without secrets. */
  readonly place: string
  /**
   * Saves a version; the same documents again give the same version, and `created` false. One that
   * is there but damaged is replaced.
   *
   * @throws usage_invalid for notes that cannot be kept, internal
   */
  save(name: string, documents: Documents, origin?: Origin): Promise<WrittenVersion>
  /** Models by name with their versions, without verifying them (default: all). */
  list(filter?: ListFilter): Promise<ModelSummary[]>
  /**
   * What a reference means: `name` (its champion), `name@alias`, `name/version` (at least 4 digits
   * of it, or the number that a server gave), the same behind `models:/`, or the path of a
   * version's folder (`./`, `/` or more than one separator). Not verified.
   *
   * @throws model_not_found, usage_invalid, artifact_missing; artifact_format for a version that
   *   ridecast did not make
   */
  resolve(reference: string): Promise<ResolvedVersion>
  /**
   * Reads and verifies what a reference means.
   *
   * @throws what `resolve` throws, artifact_* codes
   */
  load(reference: string, options?: LoadOptions): Promise<NamedArtifact>
  /** The changes of an alias (default `champion`), oldest first. */
  history(name: string, alias?: string): Promise<AliasEntry[]>
  /** What is wrong with the records of a model's aliases, although they can be used. */
  aliasFaults(name: string): Promise<AliasFault[]>
  /**
   * Points an alias to a version that is there and whole.
   *
   * @param version at least 4 digits of it, or its number
   * @throws model_not_found, usage_invalid, artifact_* codes, registry_busy
   */
  promote(name: string, version: string, options?: ChangeOptions): Promise<AliasChange>
  /** Points an alias to a version unless it points somewhere. */
  setAliasIfAbsent(
    name: string,
    alias: string,
    version: string,
    options?: Reason,
  ): Promise<AliasChange>
  /**
   * Points an alias back to where it pointed before its last promotion; again goes further back,
   * at most to where it was set first after it had been deleted.
   *
   * @throws rollback_impossible, model_not_found, artifact_* codes, registry_busy
   */
  rollback(name: string, options?: ChangeOptions): Promise<AliasChange>
  /**
   * Takes an alias away; its history stays.
   *
   * @throws model_not_found when it points nowhere, registry_busy
   */
  deleteAlias(name: string, alias: string, options?: Reason): Promise<AliasEntry>
  /**
   * Says what a model (`name`) or a version (`name@alias`, `name/version`) is.
   *
   * @param text at most 5,000 characters, lines included; empty takes the description away
   * @throws model_not_found, usage_invalid
   */
  describe(reference: string, text: string): Promise<void>
  /**
   * Sets tags of a model or a version, see `describe`; other tags stay.
   *
   * @param tags names as those of models, none that begins with `ridecast.` or `mlflow.`; values of
   *   at most 5,000 characters
   * @throws model_not_found, usage_invalid
   */
  setTags(reference: string, tags: Readonly<Record<string, string>>): Promise<void>
  /** Takes a tag from a model or a version; one that is not there is no fault. */
  deleteTag(reference: string, tag: string): Promise<void>
  /**
   * Gives a model another name; versions, aliases and notes stay.
   *
   * @throws model_not_found, usage_invalid when that name is taken
   */
  rename(name: string, newName: string): Promise<void>
  /**
   * Deletes a version.
   *
   * @param version at least 4 digits of it, or its number
   * @throws registry_alias_held while an alias points to it, model_not_found, usage_invalid
   */
  deleteVersion(name: string, version: string): Promise<void>
  /**
   * Deletes a model with its versions and the history of its aliases.
   *
   * @throws registry_alias_held while it has an alias, model_not_found
   */
  deleteModel(name: string): Promise<void>
}
