import type { ReactNode } from 'react';
import type { ListedCampaignJson } from '../../../../src/contract/campaign.js';
import type { CampaignCommand } from '../../../../src/model/campaign.js';
import { commandCampaign } from '../api/commands.js';
import { usePost } from '../api/use-post.js';
import { type Wish, WishButtons } from '../display/wish-buttons.js';

const STEP: Wish<CampaignCommand> = { label: 'Step', asked: 'step', isMain: true };
const PAUSE: Wish<CampaignCommand> = { label: 'Pause', asked: 'pause' };
const RESUME: Wish<CampaignCommand> = { label: 'Resume', asked: 'resume', isMain: true };
const FINISH: Wish<CampaignCommand> = {
  label: 'Finish',
  asked: 'finish',
  question: 'Finish? No further iteration begins, and those under way end by themselves.',
};
const ABORT: Wish<CampaignCommand> = {
  label: 'Abort',
  asked: 'abort',
  question: 'Abort? The iterations under way are stopped.',
};

/** The commands that its phase allows. */
export function CampaignButtons({ campaign }: { campaign: ListedCampaignJson }): ReactNode {
  const post = usePost((command: CampaignCommand, key: string) =>
    commandCampaign(campaign.campaign_id, command, key),
  );
  return <WishButtons wishes={wishesFor(campaign)} post={post} />;
}

export function wishesFor(campaign: ListedCampaignJson): readonly Wish<CampaignCommand>[] {
  const { phase, paused, mode, ended_by, error, iterations, max_iterations, steps } = campaign;
  if (phase === 'finalizing') return error === null && ended_by === null ? [] : [ABORT];
  if (phase !== 'initializing' && phase !== 'running') return [];
  if (ended_by !== null) return [ABORT];
  const maySteps = mode === 'interactive' && !paused && iterations + steps < max_iterations;
  return [...(maySteps ? [STEP] : []), paused ? RESUME : PAUSE, FINISH, ABORT];
}
