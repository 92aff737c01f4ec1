/** The thread behind `YamlReader`: one text in, one answer out. */
import { parentPort } from 'node:worker_threads';
import { readYaml } from './yaml.js';

parentPort?.on('message', (text: string) => parentPort?.postMessage(readYaml(text)));
