/** The family of a model, by its architecture's name: what the form of SustainML calls `type`. */

const TRANSFORMERS =
  /bert|electra|minilm|mpnet|distilroberta|pythia|whisper|wav2vec|chronos|mvit|intgemm|bergamot/i;
const CONVOLUTIONAL =
  /mcunet|tinynet|mobilenet|efficientnet|resnet|convnext|nanodet|yolo|quartznet|ds_cnn|padim|stfpm|efficientad|x3d|slowfast|^d?y?mn\d/i;
const FAMILIES = ['transformers', 'cnns', 'others'] as const;
export type Family = (typeof FAMILIES)[number];

/** @example familyOf('resnet50.a1_in1k') // 'cnns' */
export function familyOf(model: string): Family {
  if (TRANSFORMERS.test(model)) return 'transformers';
  return CONVOLUTIONAL.test(model) ? 'cnns' : 'others';
}

/** The family that the user's word stands for; nothing where it is not one. */
export function readFamily(type: string | undefined): Family | undefined {
  const plain = (type ?? '').toLowerCase().replace(/[^a-z]/g, '');
  if (plain.startsWith('transformer')) return 'transformers';
  if (plain === 'cnn' || plain === 'cnns' || plain.startsWith('convolutional')) return 'cnns';
  return undefined;
}
