import { readFile } from 'node:fs/promises';
import { it } from 'vitest';
import { Scene } from '../support/processes.js';
import { startSix } from '../support/six-nodes.js';
it('mem', async () => {
    const { orchestrator } = await startSix(Scene.ofTest(), process.env.MEM_ENV ? {env: JSON.parse(process.env.MEM_ENV)} : {});
    const tape = orchestrator.tape();
    const t0 = Date.now();
    for (let number = 1; number <= 2400; number += 1) {
      const { task_id: task } = await orchestrator.submit('six', {});
      await tape.ended(task);
      if (number % 200 === 0) {
        const status = await readFile(`/proc/${orchestrator.process.pid}/status`, 'utf8');
        const m = await (await fetch(orchestrator.ready.http + '/metrics')).text();
        const g = (n: string) => Math.round(Number(new RegExp(`^${n} (.*)$`, 'm').exec(m)?.[1])/1024);
        console.log(number, Date.now()-t0, /^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1], 'used', g('tutti_nodejs_heap_size_used_bytes'), 'total', g('tutti_nodejs_heap_size_total_bytes'), 'ext', g('tutti_nodejs_external_memory_bytes'), [...m.matchAll(/heap_space_size_used_bytes\{space="(\w+)"\} (\d+)/g)].map((x)=>`${x[1]} ${Math.round(Number(x[2])/1024)}`).join(' '));
      }
    }
    console.log(JSON.stringify((await orchestrator.get('/v1/stats')).body));
}, 300000);
