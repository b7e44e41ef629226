// The lamp of the demo home: a HomeKit accessory made with hap-nodejs. It announces itself by mDNS and answers controllers; nothing here is Gatehouse's.
//   node lamp.js NAME MAC MODEL STORE
'use strict';
const { Accessory, Categories, Characteristic, Service, uuid, HAPStorage } = require('hap-nodejs');

const [name, mac, model, store] = process.argv.slice(2);
HAPStorage.setCustomStoragePath(store);

const lamp = new Accessory(name, uuid.generate(`gatehouse.lamp.${mac}`));
lamp.getService(Service.AccessoryInformation)
  .setCharacteristic(Characteristic.Manufacturer, 'Lumen Works')
  .setCharacteristic(Characteristic.Model, model)
  .setCharacteristic(Characteristic.FirmwareRevision, '2.1.4');
let on = false;
lamp.addService(Service.Lightbulb, name).getCharacteristic(Characteristic.On)
  .onGet(() => on)
  .onSet((value) => { on = value; });

// The interface is named: its mDNS library reads names from ip(8), which shows a virtual one as eth0@if7.
lamp.publish({ bind: 'eth0', username: mac.toUpperCase(), pincode: '031-45-154', port: 51826, category: Categories.LIGHTBULB }).then(() => console.log('lamp: published'));
