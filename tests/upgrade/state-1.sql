-- A state file of version 1, as orch 0.1 left it when it was killed: rows alone, for the tables of sql/migrations/0001.
-- {DIR} stands for the folder of the test. Read by tests/t/upgrade.t.
INSERT INTO "audit" VALUES(1,1654411200001,'ana@host','skip','loans','2022-06-05T04','the bank was closed');
INSERT INTO "event" VALUES(5,1,0,'ExecutionStarted',1654411800002,'{"executionStartedEventDetails":{"input":"{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\"}","inputDetails":{"truncated":false},"roleArn":""}}');
INSERT INTO "event" VALUES(5,2,0,'TaskStateEntered',1654411800010,'{"stateEnteredEventDetails":{"name":"GenerateQueue","input":"{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\"}","inputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,3,2,'ActivityScheduled',1654411800010,'{"activityScheduledEventDetails":{"input":"{\"pipeline\":\"loans\",\"asOf\":\"2022-06-05T06:50:00.002Z\",\"cause\":\"SCHEDULE\"}","inputDetails":{"truncated":false},"resource":"arn:aws:states:us-east-1:000000000000:activity:orch-generate-queue","timeoutInSeconds":3600,"heartbeatInSeconds":90}}');
INSERT INTO "event" VALUES(5,4,3,'ActivityStarted',1654411800012,'{"activityStartedEventDetails":{"workerName":"host:14982"}}');
INSERT INTO "event" VALUES(5,5,4,'ActivitySucceeded',1654411800022,'{"activitySucceededEventDetails":{"output":"{\"partitions\":5,\"new\":1,\"jobs\":1,\"requeued\":0,\"waiting\":0,\"late\":1,\"empty\":0,\"refused\":0,\"gone\":0,\"leftOut\":0,\"cut\":false}","outputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,6,5,'TaskStateExited',1654411800022,'{"stateExitedEventDetails":{"name":"GenerateQueue","output":"{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\",\"queue\":{\"partitions\":5,\"new\":1,\"jobs\":1,\"requeued\":0,\"waiting\":0,\"late\":1,\"empty\":0,\"refused\":0,\"gone\":0,\"leftOut\":0,\"cut\":false}}","outputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,7,6,'TaskStateEntered',1654411800022,'{"stateEnteredEventDetails":{"name":"CheckNowProcessing","input":"{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\",\"queue\":{\"partitions\":5,\"new\":1,\"jobs\":1,\"requeued\":0,\"waiting\":0,\"late\":1,\"empty\":0,\"refused\":0,\"gone\":0,\"leftOut\":0,\"cut\":false}}","inputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,8,7,'ActivityScheduled',1654411800022,'{"activityScheduledEventDetails":{"input":"{\"pipeline\":\"loans\"}","inputDetails":{"truncated":false},"resource":"arn:aws:states:us-east-1:000000000000:activity:orch-check-now-processing","timeoutInSeconds":60,"heartbeatInSeconds":50}}');
INSERT INTO "event" VALUES(5,9,8,'ActivityStarted',1654411800026,'{"activityStartedEventDetails":{"workerName":"host:14982"}}');
INSERT INTO "event" VALUES(5,10,9,'ActivitySucceeded',1654411800028,'{"activitySucceededEventDetails":{"output":"{\"state\":\"FREE\",\"owner\":null}","outputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,11,10,'TaskStateExited',1654411800028,'{"stateExitedEventDetails":{"name":"CheckNowProcessing","output":"{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\",\"queue\":{\"partitions\":5,\"new\":1,\"jobs\":1,\"requeued\":0,\"waiting\":0,\"late\":1,\"empty\":0,\"refused\":0,\"gone\":0,\"leftOut\":0,\"cut\":false},\"lock\":{\"state\":\"FREE\",\"owner\":null}}","outputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,12,11,'ChoiceStateEntered',1654411800028,'{"stateEnteredEventDetails":{"name":"IsNowProcessing","input":"{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\",\"queue\":{\"partitions\":5,\"new\":1,\"jobs\":1,\"requeued\":0,\"waiting\":0,\"late\":1,\"empty\":0,\"refused\":0,\"gone\":0,\"leftOut\":0,\"cut\":false},\"lock\":{\"state\":\"FREE\",\"owner\":null}}","inputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,13,12,'ChoiceStateExited',1654411800028,'{"stateExitedEventDetails":{"name":"IsNowProcessing","output":"{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\",\"queue\":{\"partitions\":5,\"new\":1,\"jobs\":1,\"requeued\":0,\"waiting\":0,\"late\":1,\"empty\":0,\"refused\":0,\"gone\":0,\"leftOut\":0,\"cut\":false},\"lock\":{\"state\":\"FREE\",\"owner\":null}}","outputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,14,13,'TaskStateEntered',1654411800028,'{"stateEnteredEventDetails":{"name":"EtlQueueCheck","input":"{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\",\"queue\":{\"partitions\":5,\"new\":1,\"jobs\":1,\"requeued\":0,\"waiting\":0,\"late\":1,\"empty\":0,\"refused\":0,\"gone\":0,\"leftOut\":0,\"cut\":false},\"lock\":{\"state\":\"FREE\",\"owner\":null}}","inputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,15,14,'ActivityScheduled',1654411800028,'{"activityScheduledEventDetails":{"input":"{\"pipeline\":\"loans\",\"partition\":null}","inputDetails":{"truncated":false},"resource":"arn:aws:states:us-east-1:000000000000:activity:orch-etl-queue-check","timeoutInSeconds":60,"heartbeatInSeconds":50}}');
INSERT INTO "event" VALUES(5,16,15,'ActivityStarted',1654411800030,'{"activityStartedEventDetails":{"workerName":"host:14982"}}');
INSERT INTO "event" VALUES(5,17,16,'ActivitySucceeded',1654411800031,'{"activitySucceededEventDetails":{"output":"{\"job\":4,\"partition\":\"2022-06-05T05\",\"name\":\"loans/2022-06-05T05\",\"pending\":1}","outputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,18,17,'TaskStateExited',1654411800031,'{"stateExitedEventDetails":{"name":"EtlQueueCheck","output":"{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\",\"queue\":{\"partitions\":5,\"new\":1,\"jobs\":1,\"requeued\":0,\"waiting\":0,\"late\":1,\"empty\":0,\"refused\":0,\"gone\":0,\"leftOut\":0,\"cut\":false},\"lock\":{\"state\":\"FREE\",\"owner\":null},\"work\":{\"job\":4,\"partition\":\"2022-06-05T05\",\"name\":\"loans/2022-06-05T05\",\"pending\":1}}","outputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,19,18,'ChoiceStateEntered',1654411800031,'{"stateEnteredEventDetails":{"name":"HasWork","input":"{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\",\"queue\":{\"partitions\":5,\"new\":1,\"jobs\":1,\"requeued\":0,\"waiting\":0,\"late\":1,\"empty\":0,\"refused\":0,\"gone\":0,\"leftOut\":0,\"cut\":false},\"lock\":{\"state\":\"FREE\",\"owner\":null},\"work\":{\"job\":4,\"partition\":\"2022-06-05T05\",\"name\":\"loans/2022-06-05T05\",\"pending\":1}}","inputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,20,19,'ChoiceStateExited',1654411800031,'{"stateExitedEventDetails":{"name":"HasWork","output":"{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\",\"queue\":{\"partitions\":5,\"new\":1,\"jobs\":1,\"requeued\":0,\"waiting\":0,\"late\":1,\"empty\":0,\"refused\":0,\"gone\":0,\"leftOut\":0,\"cut\":false},\"lock\":{\"state\":\"FREE\",\"owner\":null},\"work\":{\"job\":4,\"partition\":\"2022-06-05T05\",\"name\":\"loans/2022-06-05T05\",\"pending\":1}}","outputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,21,20,'TaskStateEntered',1654411800031,'{"stateEnteredEventDetails":{"name":"SetFlag","input":"{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\",\"queue\":{\"partitions\":5,\"new\":1,\"jobs\":1,\"requeued\":0,\"waiting\":0,\"late\":1,\"empty\":0,\"refused\":0,\"gone\":0,\"leftOut\":0,\"cut\":false},\"lock\":{\"state\":\"FREE\",\"owner\":null},\"work\":{\"job\":4,\"partition\":\"2022-06-05T05\",\"name\":\"loans/2022-06-05T05\",\"pending\":1}}","inputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,22,21,'ActivityScheduled',1654411800031,'{"activityScheduledEventDetails":{"input":"{\"pipeline\":\"loans\",\"job\":4}","inputDetails":{"truncated":false},"resource":"arn:aws:states:us-east-1:000000000000:activity:orch-set-flag","timeoutInSeconds":120,"heartbeatInSeconds":90}}');
INSERT INTO "event" VALUES(5,23,22,'ActivityStarted',1654411800033,'{"activityStartedEventDetails":{"workerName":"host:14982"}}');
INSERT INTO "event" VALUES(5,24,23,'ActivitySucceeded',1654411800037,'{"activitySucceededEventDetails":{"output":"{\"acquired\":true,\"id\":\"caffd9e810de764d11d39af06b363017\"}","outputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,25,24,'TaskStateExited',1654411800037,'{"stateExitedEventDetails":{"name":"SetFlag","output":"{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\",\"queue\":{\"partitions\":5,\"new\":1,\"jobs\":1,\"requeued\":0,\"waiting\":0,\"late\":1,\"empty\":0,\"refused\":0,\"gone\":0,\"leftOut\":0,\"cut\":false},\"lock\":{\"state\":\"FREE\",\"owner\":null},\"work\":{\"job\":4,\"partition\":\"2022-06-05T05\",\"name\":\"loans/2022-06-05T05\",\"pending\":1},\"flag\":{\"acquired\":true,\"id\":\"caffd9e810de764d11d39af06b363017\"}}","outputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,26,25,'ChoiceStateEntered',1654411800037,'{"stateEnteredEventDetails":{"name":"GotFlag","input":"{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\",\"queue\":{\"partitions\":5,\"new\":1,\"jobs\":1,\"requeued\":0,\"waiting\":0,\"late\":1,\"empty\":0,\"refused\":0,\"gone\":0,\"leftOut\":0,\"cut\":false},\"lock\":{\"state\":\"FREE\",\"owner\":null},\"work\":{\"job\":4,\"partition\":\"2022-06-05T05\",\"name\":\"loans/2022-06-05T05\",\"pending\":1},\"flag\":{\"acquired\":true,\"id\":\"caffd9e810de764d11d39af06b363017\"}}","inputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,27,26,'ChoiceStateExited',1654411800037,'{"stateExitedEventDetails":{"name":"GotFlag","output":"{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\",\"queue\":{\"partitions\":5,\"new\":1,\"jobs\":1,\"requeued\":0,\"waiting\":0,\"late\":1,\"empty\":0,\"refused\":0,\"gone\":0,\"leftOut\":0,\"cut\":false},\"lock\":{\"state\":\"FREE\",\"owner\":null},\"work\":{\"job\":4,\"partition\":\"2022-06-05T05\",\"name\":\"loans/2022-06-05T05\",\"pending\":1},\"flag\":{\"acquired\":true,\"id\":\"caffd9e810de764d11d39af06b363017\"}}","outputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,28,27,'TaskStateEntered',1654411800037,'{"stateEnteredEventDetails":{"name":"Ingest","input":"{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\",\"queue\":{\"partitions\":5,\"new\":1,\"jobs\":1,\"requeued\":0,\"waiting\":0,\"late\":1,\"empty\":0,\"refused\":0,\"gone\":0,\"leftOut\":0,\"cut\":false},\"lock\":{\"state\":\"FREE\",\"owner\":null},\"work\":{\"job\":4,\"partition\":\"2022-06-05T05\",\"name\":\"loans/2022-06-05T05\",\"pending\":1},\"flag\":{\"acquired\":true,\"id\":\"caffd9e810de764d11d39af06b363017\"}}","inputDetails":{"truncated":false}}}');
INSERT INTO "event" VALUES(5,29,28,'ActivityScheduled',1654411800037,'{"activityScheduledEventDetails":{"input":"{\"pipeline\":\"loans\",\"job\":4,\"flag\":\"caffd9e810de764d11d39af06b363017\"}","inputDetails":{"truncated":false},"resource":"arn:aws:states:us-east-1:000000000000:activity:orch-ingest","timeoutInSeconds":86400,"heartbeatInSeconds":90}}');
INSERT INTO "event" VALUES(5,30,29,'ActivityStarted',1654411800039,'{"activityStartedEventDetails":{"workerName":"host:14982"}}');
INSERT INTO "execution" VALUES(1,'loans-20220605T063000Z-d8be0fbe','loans','9777d8c0c90d3844db4b049823019aea3dafc71bece883a876536c0e134c6213','SCHEDULE','SUCCEEDED','{"pipeline":"loans","partition":null,"cause":"SCHEDULE"}','{"pipeline":"loans","partition":null,"cause":"SCHEDULE","queue":{"partitions":6,"new":3,"jobs":3,"requeued":0,"waiting":1,"late":2,"empty":0,"refused":0,"gone":0,"leftOut":0,"cut":false},"lock":{"state":"FREE","owner":null},"work":{"job":1,"partition":"2022-06-05T00","name":"loans/2022-06-05T00","pending":3},"flag":{"acquired":true,"id":"33987998e613f8548332e890e16d596f"},"ingest":{"objects":1,"rowsRead":3,"rowsLoaded":3,"rowsRejected":0},"reconciliation":{"verdict":"EQUAL","differences":[]},"reset":{"reset":true,"state":"RECONCILED"}}',NULL,NULL,1654410600038,1654410600266,NULL,0,NULL,0,0,NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "execution" VALUES(2,'loans-20220605T063000Z-f891a884','loans','9777d8c0c90d3844db4b049823019aea3dafc71bece883a876536c0e134c6213','BACKLOG','SUCCEEDED','{"pipeline":"loans","partition":null,"cause":"BACKLOG"}','{"pipeline":"loans","partition":null,"cause":"BACKLOG","queue":{"listedBefore":true},"lock":{"state":"FREE","owner":null},"work":{"job":2,"partition":"2022-06-05T01","name":"loans/2022-06-05T01","pending":2},"flag":{"acquired":true,"id":"93e65aa2cbab710398a760b70f04601f"},"ingest":{"objects":1,"rowsRead":3,"rowsLoaded":3,"rowsRejected":0},"reconciliation":{"verdict":"EQUAL","differences":[]},"reset":{"reset":true,"state":"RECONCILED"}}',NULL,NULL,1654410600273,1654410600383,NULL,0,NULL,0,0,NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "execution" VALUES(3,'loans-20220605T063000Z-d16ff5c1','loans','9777d8c0c90d3844db4b049823019aea3dafc71bece883a876536c0e134c6213','BACKLOG','FAILED','{"pipeline":"loans","partition":null,"cause":"BACKLOG"}',NULL,'Orch.TooManyRejects','loans/2022-06-05T02: part-0.csv line 3 column a: ''x'' is not an INTEGER (hint: orch rejects loans/2022-06-05T02 shows them; mend the file, or raise max_rejects)',1654410600386,1654410600428,NULL,0,NULL,0,0,NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "execution" VALUES(4,'loans-20220605T064000Z-798296cd','loans','9777d8c0c90d3844db4b049823019aea3dafc71bece883a876536c0e134c6213','SCHEDULE','FAILED','{"pipeline":"loans","partition":null,"cause":"SCHEDULE"}',NULL,'Orch.TooManyRejects','loans/2022-06-05T02: part-0.csv line 3 column a: ''x'' is not an INTEGER (hint: orch rejects loans/2022-06-05T02 shows them; mend the file, or raise max_rejects)',1654411200001,1654411200075,NULL,0,NULL,0,0,NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "execution" VALUES(5,'loans-20220605T065000Z-ab8c841b','loans','9777d8c0c90d3844db4b049823019aea3dafc71bece883a876536c0e134c6213','SCHEDULE','RUNNING','{"pipeline":"loans","partition":null,"cause":"SCHEDULE"}',NULL,NULL,NULL,1654411800002,NULL,NULL,0,NULL,0,0,NULL,NULL,1,'5.1',14982,500073,'00000000-0000-0000-0000-000000000000',-140839347841,90000);
INSERT INTO "flag" VALUES('loans','caffd9e810de764d11d39af06b363017',5,4,10,1654411800034,-140839257847,1654411890034,'00000000-0000-0000-0000-000000000000');
INSERT INTO "frame" VALUES(1,0,NULL,'ROOT','Done','DONE','{"pipeline":"loans","partition":null,"cause":"SCHEDULE","queue":{"partitions":6,"new":3,"jobs":3,"requeued":0,"waiting":1,"late":2,"empty":0,"refused":0,"gone":0,"leftOut":0,"cut":false},"lock":{"state":"FREE","owner":null},"work":{"job":1,"partition":"2022-06-05T00","name":"loans/2022-06-05T00","pending":3},"flag":{"acquired":true,"id":"33987998e613f8548332e890e16d596f"},"ingest":{"objects":1,"rowsRead":3,"rowsLoaded":3,"rowsRejected":0},"reconciliation":{"verdict":"EQUAL","differences":[]},"reset":{"reset":true,"state":"RECONCILED"}}','[]',0,0,45);
INSERT INTO "frame" VALUES(2,0,NULL,'ROOT','Done','DONE','{"pipeline":"loans","partition":null,"cause":"BACKLOG","queue":{"listedBefore":true},"lock":{"state":"FREE","owner":null},"work":{"job":2,"partition":"2022-06-05T01","name":"loans/2022-06-05T01","pending":2},"flag":{"acquired":true,"id":"93e65aa2cbab710398a760b70f04601f"},"ingest":{"objects":1,"rowsRead":3,"rowsLoaded":3,"rowsRejected":0},"reconciliation":{"verdict":"EQUAL","differences":[]},"reset":{"reset":true,"state":"RECONCILED"}}','[]',0,0,45);
INSERT INTO "frame" VALUES(3,0,NULL,'ROOT','RunFailed','DONE','{"pipeline":"loans","partition":null,"cause":"BACKLOG","queue":{"listedBefore":true},"lock":{"state":"FREE","owner":null},"work":{"job":3,"partition":"2022-06-05T02","name":"loans/2022-06-05T02","pending":1},"flag":{"acquired":true,"id":"34bcfc0db73cdd24c518eaa5d1772e5e"},"failure":{"Error":"Orch.TooManyRejects","Cause":"loans/2022-06-05T02: part-0.csv line 3 column a: ''x'' is not an INTEGER (hint: orch rejects loans/2022-06-05T02 shows them; mend the file, or raise max_rejects)"},"reset":{"reset":true,"state":"FAILED"}}','[]',0,0,39);
INSERT INTO "frame" VALUES(4,0,NULL,'ROOT','RunFailed','DONE','{"pipeline":"loans","partition":null,"cause":"SCHEDULE","queue":{"partitions":6,"new":0,"jobs":0,"requeued":0,"waiting":1,"late":2,"empty":0,"refused":0,"gone":0,"leftOut":0,"cut":false},"lock":{"state":"FREE","owner":null},"work":{"job":3,"partition":"2022-06-05T02","name":"loans/2022-06-05T02","pending":1},"flag":{"acquired":true,"id":"79ff2c6b5c918f011342c6ef47b12b5c"},"failure":{"Error":"Orch.TooManyRejects","Cause":"loans/2022-06-05T02: part-0.csv line 3 column a: ''x'' is not an INTEGER (hint: orch rejects loans/2022-06-05T02 shows them; mend the file, or raise max_rejects)"},"reset":{"reset":true,"state":"DEAD"}}','[]',0,0,39);
INSERT INTO "frame" VALUES(5,0,NULL,'ROOT','Ingest','TASK','{"pipeline":"loans","partition":null,"cause":"SCHEDULE","queue":{"partitions":5,"new":1,"jobs":1,"requeued":0,"waiting":0,"late":1,"empty":0,"refused":0,"gone":0,"leftOut":0,"cut":false},"lock":{"state":"FREE","owner":null},"work":{"job":4,"partition":"2022-06-05T05","name":"loans/2022-06-05T05","pending":1},"flag":{"acquired":true,"id":"caffd9e810de764d11d39af06b363017"}}','[]',1654411800037,0,30);
INSERT INTO "job" VALUES(1,'loans','2022-06-05T00',1,'LOAD','RECONCILED',0,0,0,1,16,NULL,NULL,NULL,'','',0,1654410600076,1654410600234,1654410600218,1654410600234);
INSERT INTO "job" VALUES(2,'loans','2022-06-05T01',1,'LOAD','MISMATCHED',0,0,0,2,16,'Orch.Mismatch','rows is 3 in the source and 2 in the target',NULL,'','',0,1654410600076,1654411200005,1654410600375,1654410600381);
INSERT INTO "job" VALUES(3,'loans','2022-06-05T02',1,'LOAD','DEAD',2,2,0,4,12,'Orch.TooManyRejects','loans/2022-06-05T02: part-0.csv line 3 column a: ''x'' is not an INTEGER (hint: orch rejects loans/2022-06-05T02 shows them; mend the file, or raise max_rejects)',NULL,'','',0,1654410600076,1654411200073,NULL,NULL);
INSERT INTO "job" VALUES(4,'loans','2022-06-05T05',1,'LOAD','PROCESSING',0,0,0,5,16,NULL,NULL,NULL,'','',0,1654411800018,1654411800034,NULL,NULL);
INSERT INTO "load" VALUES(321173798016850,2,2,1,'LOADED',0,3,3,0,0,'{"a":{"nulls":0,"sum":"6"},"b":{"nulls":0,"sum":"8246637639"}}',0,0,1654410600361);
INSERT INTO "load" VALUES(321173798101127,1,1,1,'LOADED',0,3,3,0,0,'{"a":{"nulls":0,"sum":"6"},"b":{"nulls":0,"sum":"8246637639"}}',0,0,1654410600175);
INSERT INTO "load" VALUES(321173799700743,3,3,1,'DRAWN',0,0,0,0,0,'',0,0,NULL);
INSERT INTO "load" VALUES(321178828865735,4,4,1,'PENDING',0,3,3,0,0,'{"a":{"nulls":0,"sum":"6"},"b":{"nulls":0,"sum":"8246637639"}}',0,0,NULL);
INSERT INTO "object" VALUES(1,'loans','2022-06-05T00',X'797979793D323032322F6D6D3D30362F64643D30352F68683D30302F706172742D302E637376','',NULL,16,1650000000000000000,1509154452022,1654410600076,'fb3cdf1560e4811c7f3860189b3ffcc9ff9f9e80fd807a7e491540773362a759','LOADED');
INSERT INTO "object" VALUES(2,'loans','2022-06-05T01',X'797979793D323032322F6D6D3D30362F64643D30352F68683D30312F706172742D302E637376','',NULL,16,1650000000000000000,1509154452022,1654410600076,'fb3cdf1560e4811c7f3860189b3ffcc9ff9f9e80fd807a7e491540773362a759','LOADED');
INSERT INTO "object" VALUES(3,'loans','2022-06-05T02',X'797979793D323032322F6D6D3D30362F64643D30352F68683D30322F706172742D302E637376','',NULL,12,1650000000000000000,1509154452022,1654410600076,'','QUEUED');
INSERT INTO "object" VALUES(4,'loans','2022-06-05T05',X'797979793D323032322F6D6D3D30362F64643D30352F68683D30352F706172742D302E637376','',NULL,16,1650000000000000000,1509155651367,1654411800018,'fb3cdf1560e4811c7f3860189b3ffcc9ff9f9e80fd807a7e491540773362a759','QUEUED');
INSERT INTO "partition_" VALUES('loans','2022-06-05T00','QUEUED',1654410600076,1654411800018,'');
INSERT INTO "partition_" VALUES('loans','2022-06-05T01','QUEUED',1654410600076,1654411800018,'');
INSERT INTO "partition_" VALUES('loans','2022-06-05T02','QUEUED',1654410600076,1654411800018,'');
INSERT INTO "partition_" VALUES('loans','2022-06-05T03','LATE',1654410600076,1654411800018,'no object has come');
INSERT INTO "partition_" VALUES('loans','2022-06-05T04','SKIPPED',1654411200001,1654411200019,'the bank was closed');
INSERT INTO "partition_" VALUES('loans','2022-06-05T05','QUEUED',1654411800018,1654411800018,'');
INSERT INTO "pipeline" VALUES('loans',8,3,'{DIR}/target.db.t',1654410600076,1654411800018,0,'',0,0);
INSERT INTO "reconciliation" VALUES(1,1,1654410600234,'EQUAL',3,3,0,3,'[]');
INSERT INTO "reconciliation" VALUES(2,2,1654410600381,'EQUAL',3,3,0,3,'[]');
INSERT INTO "reconciliation" VALUES(3,2,1654411200005,'DIFFERENT',3,3,0,2,'[{"column":"","what":"rows","source":"3","target":"2","object":"part-0.csv","loadId":321173798016850},{"column":"a","what":"sum","source":"6","target":"4","object":"part-0.csv","loadId":321173798016850},{"column":"b","what":"sum","source":"8246637639","target":"4021194290","object":"part-0.csv","loadId":321173798016850}]');
INSERT INTO "reject" VALUES(321173799700743,3,8,'a','NOT_AN_INT','''x'' is not an INTEGER','',X'782C79',3,'','FAILED',1654411200060);
INSERT INTO "task" VALUES(27,5,0,'GenerateQueue',1,'752620a55d1e476848ef6670cfa11523','arn:aws:states:us-east-1:000000000000:activity:orch-generate-queue','{"pipeline":"loans","asOf":"2022-06-05T06:50:00.002Z","cause":"SCHEDULE"}','SUCCEEDED',3600000,90000,1,1654411800010,1654411800012,1654411800012,1654411800022);
INSERT INTO "task" VALUES(28,5,0,'CheckNowProcessing',1,'75b98b330f2ec7b2cc85ce55b42971b7','arn:aws:states:us-east-1:000000000000:activity:orch-check-now-processing','{"pipeline":"loans"}','SUCCEEDED',60000,50000,1,1654411800022,1654411800026,1654411800026,1654411800028);
INSERT INTO "task" VALUES(29,5,0,'EtlQueueCheck',1,'c784d5c8589e49f78ce0aa9fc0c2340d','arn:aws:states:us-east-1:000000000000:activity:orch-etl-queue-check','{"pipeline":"loans","partition":null}','SUCCEEDED',60000,50000,1,1654411800028,1654411800030,1654411800030,1654411800031);
INSERT INTO "task" VALUES(30,5,0,'SetFlag',1,'585f77cbde5ebbcaa127054e02e82cb9','arn:aws:states:us-east-1:000000000000:activity:orch-set-flag','{"pipeline":"loans","job":4}','SUCCEEDED',120000,90000,1,1654411800031,1654411800033,1654411800033,1654411800037);
INSERT INTO "task" VALUES(31,5,0,'Ingest',1,'a2e291546df66436af48d8c31e797bc9','arn:aws:states:us-east-1:000000000000:activity:orch-ingest','{"pipeline":"loans","job":4,"flag":"caffd9e810de764d11d39af06b363017"}','STARTED',86400000,90000,1,1654411800037,1654411800039,1654411800039,NULL);
INSERT INTO "trigger_" VALUES('(prune)','rate(1 hour)',1654410600433,1654410600433);
INSERT INTO "trigger_" VALUES('loans','rate(1 minute)',1654410600001,1654411800001);
INSERT INTO "trouble" VALUES('loans DEAD 2022-06-05T02','loans','DEAD','given up after 2 attempts: part-0.csv line 3 column a: ''x'' is not an INTEGER','orch rejects loans/2022-06-05T02 shows them; mend the file, or raise max_rejects; when that is mended: orch replay loans/2022-06-05T02',1654411200084,1654411200084,1654411200084);
INSERT INTO "trouble" VALUES('loans LATE 2022-06-05T03','loans','LATE','no object has come; late since 2022-06-05T05:00:00Z','ask whoever delivers it; if it will not come: orch skip loans/2022-06-05T03 --reason ''...''',1654410600431,1654410600431,1654411200084);
INSERT INTO "trouble" VALUES('loans LATE 2022-06-05T04','loans','LATE','no object has come; late since 2022-06-05T06:00:00Z','ask whoever delivers it; if it will not come: orch skip loans/2022-06-05T04 --reason ''...''',1654410600431,1654410600431,1654411200084);
INSERT INTO "workflow" VALUES('9777d8c0c90d3844db4b049823019aea3dafc71bece883a876536c0e134c6213','ingest','{
  "Comment": "orch: hourly or daily partitions into a database, exactly once (profile orch-asl/1)",
  "StartAt": "GenerateQueue",
  "States": {
    "GenerateQueue": {
      "Type": "Task",
      "Comment": "List due partitions, queue new and changed objects as jobs",
      "Resource": "arn:aws:states:us-east-1:000000000000:activity:orch-generate-queue",
      "Parameters": {"pipeline.$": "$.pipeline", "asOf.$": "$$.Execution.StartTime", "cause.$": "$.cause"},
      "ResultPath": "$.queue",
      "TimeoutSeconds": 3600,
      "HeartbeatSeconds": 90,
      "Retry": [{"ErrorEquals": ["Orch.Transient", "Orch.Unavailable", "Orch.Timeout", "Orch.Busy", "States.Timeout"], "IntervalSeconds": 2, "BackoffRate": 2.0, "MaxAttempts": 3, "MaxDelaySeconds": 20, "JitterStrategy": "FULL"}],
      "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "RunFailed"}],
      "Next": "CheckNowProcessing"
    },
    "CheckNowProcessing": {
      "Type": "Task",
      "Comment": "Report the now-processing lock: FREE, STALE or HELD",
      "Resource": "arn:aws:states:us-east-1:000000000000:activity:orch-check-now-processing",
      "Parameters": {"pipeline.$": "$.pipeline"},
      "ResultPath": "$.lock",
      "TimeoutSeconds": 60,
      "HeartbeatSeconds": 50,
      "Retry": [{"ErrorEquals": ["Orch.Busy", "Orch.Transient", "States.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 4}],
      "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "RunFailed"}],
      "Next": "IsNowProcessing"
    },
    "IsNowProcessing": {
      "Type": "Choice",
      "Choices": [
        {"Or": [{"Variable": "$.lock.state", "StringEquals": "FREE"}, {"Variable": "$.lock.state", "StringEquals": "STALE"}], "Next": "EtlQueueCheck"},
        {"Variable": "$.lock.state", "StringEquals": "HELD", "Next": "NothingToDo"}
      ],
      "Default": "UnknownAnswer"
    },
    "EtlQueueCheck": {
      "Type": "Task",
      "Comment": "The oldest job that may run now",
      "Resource": "arn:aws:states:us-east-1:000000000000:activity:orch-etl-queue-check",
      "Parameters": {"pipeline.$": "$.pipeline", "partition.$": "$.partition"},
      "ResultPath": "$.work",
      "TimeoutSeconds": 60,
      "HeartbeatSeconds": 50,
      "Retry": [{"ErrorEquals": ["Orch.Busy", "Orch.Transient", "States.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 4}],
      "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "RunFailed"}],
      "Next": "HasWork"
    },
    "HasWork": {
      "Type": "Choice",
      "Choices": [
        {"And": [{"Variable": "$.work.job", "IsPresent": true}, {"Variable": "$.work.job", "IsNumeric": true}], "Next": "SetFlag"},
        {"Variable": "$.work.job", "IsNull": true, "Next": "NothingToDo"}
      ],
      "Default": "UnknownAnswer"
    },
    "SetFlag": {
      "Type": "Task",
      "Comment": "The one lock decision: flag, job to PROCESSING, epoch raised in the target",
      "Resource": "arn:aws:states:us-east-1:000000000000:activity:orch-set-flag",
      "Parameters": {"pipeline.$": "$.pipeline", "job.$": "$.work.job"},
      "ResultPath": "$.flag",
      "TimeoutSeconds": 120,
      "HeartbeatSeconds": 90,
      "Retry": [{"ErrorEquals": ["Orch.Transient", "Orch.Unavailable", "Orch.Timeout", "Orch.Busy", "States.Timeout"], "IntervalSeconds": 2, "BackoffRate": 2.0, "MaxAttempts": 3, "MaxDelaySeconds": 20, "JitterStrategy": "FULL"}],
      "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "RunFailed"}],
      "Next": "GotFlag"
    },
    "GotFlag": {
      "Type": "Choice",
      "Choices": [
        {"Variable": "$.flag.acquired", "BooleanEquals": true, "Next": "Ingest"},
        {"Variable": "$.flag.acquired", "BooleanEquals": false, "Next": "NothingToDo"}
      ],
      "Default": "UnknownAnswer"
    },
    "Ingest": {
      "Type": "Task",
      "Comment": "Every object of the job: one transaction each, with its ledger row and the fence",
      "Resource": "arn:aws:states:us-east-1:000000000000:activity:orch-ingest",
      "Parameters": {"pipeline.$": "$.pipeline", "job.$": "$.work.job", "flag.$": "$.flag.id"},
      "ResultSelector": {"objects.$": "$.objects", "rowsRead.$": "$.rowsRead", "rowsLoaded.$": "$.rowsLoaded", "rowsRejected.$": "$.rowsRejected"},
      "ResultPath": "$.ingest",
      "TimeoutSeconds": 86400,
      "HeartbeatSeconds": 90,
      "Retry": [
        {"ErrorEquals": ["Orch.Transient", "Orch.Unavailable", "Orch.Timeout", "Orch.Busy", "Orch.BadResponse", "States.HeartbeatTimeout"], "IntervalSeconds": 2, "BackoffRate": 2.0, "MaxAttempts": 4, "MaxDelaySeconds": 20, "JitterStrategy": "FULL"},
        {"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 5, "MaxAttempts": 1}
      ],
      "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "ReleaseAfterFailure"}],
      "Next": "Reconcile"
    },
    "Reconcile": {
      "Type": "Task",
      "Comment": "Source against target: counts, NULLs, sums",
      "Resource": "arn:aws:states:us-east-1:000000000000:activity:orch-reconcile",
      "Parameters": {"pipeline.$": "$.pipeline", "job.$": "$.work.job", "flag.$": "$.flag.id"},
      "ResultPath": "$.reconciliation",
      "TimeoutSeconds": 14400,
      "HeartbeatSeconds": 90,
      "Retry": [{"ErrorEquals": ["Orch.Transient", "Orch.Unavailable", "Orch.Timeout", "Orch.Busy", "States.Timeout"], "IntervalSeconds": 2, "BackoffRate": 2.0, "MaxAttempts": 4, "MaxDelaySeconds": 20, "JitterStrategy": "FULL"}],
      "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "ReleaseAfterFailure"}],
      "Next": "ResetFlag"
    },
    "ResetFlag": {
      "Type": "Task",
      "Resource": "arn:aws:states:us-east-1:000000000000:activity:orch-reset-flag",
      "Parameters": {"pipeline.$": "$.pipeline", "job.$": "$.work.job", "flag.$": "$.flag.id", "outcome": "LOADED"},
      "ResultPath": "$.reset",
      "TimeoutSeconds": 60,
      "HeartbeatSeconds": 50,
      "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "BackoffRate": 2.0, "MaxAttempts": 6, "MaxDelaySeconds": 20}],
      "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "RunFailed"}],
      "Next": "Done"
    },
    "ReleaseAfterFailure": {
      "Type": "Task",
      "Comment": "The job back into the queue (or DEAD), the lock freed; the first error stays the run''s error",
      "Resource": "arn:aws:states:us-east-1:000000000000:activity:orch-reset-flag",
      "Parameters": {"pipeline.$": "$.pipeline", "job.$": "$.work.job", "flag.$": "$.flag.id", "outcome": "FAILED", "error.$": "$.failure.Error", "cause.$": "$.failure.Cause"},
      "ResultPath": "$.reset",
      "TimeoutSeconds": 60,
      "HeartbeatSeconds": 50,
      "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "BackoffRate": 2.0, "MaxAttempts": 6, "MaxDelaySeconds": 20}],
      "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.releaseFailure", "Next": "RunFailed"}],
      "Next": "RunFailed"
    },
    "Done": {"Type": "Succeed"},
    "NothingToDo": {"Type": "Succeed"},
    "UnknownAnswer": {"Type": "Fail", "Error": "Orch.ContractViolation", "Cause": "a step answered with a value that this workflow does not know"},
    "RunFailed": {"Type": "Fail", "ErrorPath": "$.failure.Error", "CausePath": "$.failure.Cause"}
  }
}
',1654410600038);
