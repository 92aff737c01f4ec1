// Writes src/tutti/tutti_v1.binpb: the messages of proto/tutti/v1 as a serialised FileDescriptorSet, which the package
// loads at run time. Run it after `npm run build`, whenever proto/tutti/v1 has changed; a test compares the two.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadTypes } from '../dist/src/wire/types.js';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const types = loadTypes([at('../proto')]);
const frames = ['tutti.v1.ToOrchestrator', 'tutti.v1.ToNode', 'tutti.v1.Outputs'];
writeFileSync(at('src/tutti/tutti_v1.binpb'), types.descriptors(frames));
