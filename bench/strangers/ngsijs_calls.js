// Every NGSI-LD call that npm's `ngsijs` has, against a running city: node ngsijs_calls.js MODULE URL
"use strict";
const NGSI = require(process.argv[2]);
const ld = new NGSI.Connection(process.argv[3]).ld;
const id = "urn:ngsi-ld:Room:j1", past = "urn:ngsi-ld:Room:j2", subscription = "urn:ngsi-ld:Subscription:j1";
const warm = (value, observedAt = "2026-11-22T10:00:00Z") => ({type: "Property", value, observedAt});
let instance = "";
const CALLS = {
    createEntity: () => ld.createEntity({id, type: "Room", temperature: warm(20)}),
    queryEntities: async () => (await ld.queryEntities({type: "Room", q: "temperature>10", count: true})).count === 1,
    getEntity: async () => (await ld.getEntity(id)).entity.id === id,
    appendEntityAttributes: () => ld.appendEntityAttributes({id, humidity: {type: "Property", value: 0.5}}),
    updateEntityAttribute: () => ld.updateEntityAttribute(warm(21), {id, attribute: "temperature"}),
    updateEntityAttributes: () => ld.updateEntityAttributes({id, temperature: warm(22)}),
    deleteEntityAttribute: () => ld.deleteEntityAttribute({id, attribute: "humidity"}),
    listTypes: async () => (await ld.listTypes()).typeList !== null,
    getType: async () => (await ld.getType("Room")) !== null,
    createSubscription: () => ld.createSubscription({id: subscription, type: "Subscription", entities: [{type: "Room"}],
        notification: {endpoint: {uri: "http://127.0.0.1:9/nobody", accept: "application/json"}}}),
    listSubscriptions: async () => (await ld.listSubscriptions()).results.length === 1,
    getSubscription: async () => (await ld.getSubscription(subscription)).subscription.id === subscription,
    updateSubscription: () => ld.updateSubscription({id: subscription, isActive: false}),
    deleteSubscription: () => ld.deleteSubscription(subscription),
    createTemporalEntity: () => ld.createTemporalEntity({id: past, type: "Room", humidity: [warm(0.5)],
        temperature: [warm(1), warm(2, "2026-11-22T11:00:00Z")]}),
    addTemporalEntityAttributes: () => ld.addTemporalEntityAttributes({id: past, temperature: [warm(3, "2026-11-22T12:00:00Z")]}),
    queryTemporalEntities: async () => {
        const found = await ld.queryTemporalEntities({type: "Room", timerel: "after", time: "2026-01-01T00:00:00Z", timeAt: "2026-01-01T00:00:00Z"});
        instance = [].concat(found.results.find((one) => one.id === past).temperature)[0].instanceId;
        return instance !== undefined;
    },
    updateTemporalEntityAttributeInstance: () =>
        ld.updateTemporalEntityAttributeInstance({temperature: [warm(9)]}, {id: past, attribute: "temperature", instance}),
    deleteTemporalEntityAttributeInstance: () =>
        ld.deleteTemporalEntityAttributeInstance({id: past, attribute: "temperature", instance}),
    deleteTemporalEntityAttribute: () => ld.deleteTemporalEntityAttribute({id: past, attribute: "temperature", deleteAll: true}),
    deleteTemporalEntity: () => ld.deleteTemporalEntity(past),
    deleteEntity: () => ld.deleteEntity(id),
};
(async () => {
    const told = {};
    for (const [name, call] of Object.entries(CALLS)) {
        try {
            told[name] = (await call()) === false ? "answered otherwise" : "ok";
        } catch (error) {
            told[name] = `${error.name}: ${error.message}`.slice(0, 200);
        }
    }
    console.log(JSON.stringify(told));
})();
