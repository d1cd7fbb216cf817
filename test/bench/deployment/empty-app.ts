/** The least that an app of CDK does, as CDK refuses a stack with nothing in it: the floor of the synth time. */
import { App, CfnWaitConditionHandle, Stack } from 'aws-cdk-lib';

const app = new App();
new CfnWaitConditionHandle(new Stack(app, 'empty'), 'Nothing');
app.synth();
